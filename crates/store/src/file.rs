//! A file that holds records: a backup of a node, or one PEN on its way to another node.
//!
//! It begins with [`MAGIC`] and is a row of blocks. A block is one byte for its kind, the length of
//! its content and that of its packed form (both 32 bits, big-endian), a BLAKE3 hash, and the
//! packed content (LZ4). The hash covers the block's number, its kind, both lengths and the packed
//! content, so that a block that was damaged, left out or moved is found. The first block says
//! what the file holds; the last one has the number of entries and the hash of all hashes before
//! it. An entry is
//! one byte for where it belongs, the lengths of key and value (32 bits each), key and value.

use std::io::{self, Read, Write};

use stratus_event::{
    Fault, PenId, Timestamp,
    codec::{self, CodecError, Fields, Item, Limits},
};

use crate::{fault, key::Space};

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// All of a node, or one PEN.
    pub holds: Holds,
    /// When it was made.
    pub made: Timestamp,
    /// The format of the store that it was made of.
    pub format: u64,
}

/// Of what a file is a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A whole node.
    Node,
    /// One PEN.
    Pen {
        /// Which.
        pen: PenId,
        /// The PEN has left the node that it was made on, which says so.
        moved: bool,
    },
}

/// What stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// Where an entry belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Beside the store: the key is the name of a file.
    Beside,
    /// In a keyspace.
    In(Space),
}

/// Writes such a file.
pub(crate) struct FileWriter<W> {
    out: W,
    /// Of the hashes of all blocks.
    hashes: blake3::Hasher,
    block: Vec<u8>,
    number: u64,
    entries: u64,
}

/// Reads such a file. What is not as it was written is a fault that says where.
pub(crate) struct FileReader<R> {
    input: R,
    hashes: blake3::Hasher,
    number: u64,
    entries: u64,
    /// How many bytes were read.
    read: u64,
}

impl<W: Write> FileWriter<W> {
    pub(crate) fn begin(mut out: W, head: &Head) -> io::Result<Self> {
        out.write_all(&MAGIC)?;
        let mut writer = Self {
            out,
            hashes: blake3::Hasher::new(),
            block: Vec::new(),
            number: 0,
            entries: 0,
        };
        writer.block = codec::encode(&head.item());
        writer.end_block(HEAD)?;
        Ok(writer)
    }

    pub(crate) fn put(&mut self, place: Place, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.block.push(place.number());
        self.block.extend_from_slice(&length(key.len())?);
        self.block.extend_from_slice(&length(value.len())?);
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(value);
        self.entries = self.entries.saturating_add(1);
        if self.block.len() >= BLOCK_BYTES {
            self.end_block(ENTRIES)?;
        }
        Ok(())
    }

    /// Ends the file and gives back what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() {
            self.end_block(ENTRIES)?;
        }
        self.block.extend_from_slice(&self.entries.to_be_bytes());
        let hash = self.hashes.finalize();
        self.block.extend_from_slice(hash.as_bytes());
        self.end_block(END)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Ends a file that cannot be finished: whoever reads it learns why.
    pub(crate) fn give_up(mut self, fault: &Fault) -> io::Result<()> {
        self.block = fault.message.clone().into_bytes();
        self.end_block(GIVEN_UP)?;
        self.out.flush()
    }

    fn end_block(&mut self, kind: u8) -> io::Result<()> {
        let content = std::mem::take(&mut self.block);
        let packed = lz4_flex::block::compress(&content);
        let lengths = (length(content.len())?, length(packed.len())?);
        let hash = hash(self.number, kind, lengths, &packed);
        self.hashes.update(&hash);
        self.number = self.number.saturating_add(1);
        let parts: [&[u8]; 5] = [&[kind], &lengths.0, &lengths.1, &hash, &packed];
        parts.iter().try_for_each(|part| self.out.write_all(part))
    }
}

impl<R: Read> FileReader<R> {
    pub(crate) fn begin(input: R) -> Result<(Self, Head), Fault> {
        let mut reader = Self {
            input,
            hashes: blake3::Hasher::new(),
            number: 0,
            entries: 0,
            read: 0,
        };
        let mut magic = [0; MAGIC.len()];
        if reader.fill(&mut magic).is_err() || magic != MAGIC {
            return Err(fault::file_foreign());
        }
        let (kind, content) = reader.block()?;
        let head = Head::read(&content).map_err(|error| reader.damaged(&error))?;
        if kind != HEAD {
            return Err(reader.damaged(&"it does not say what it holds"));
        }
        Ok((reader, head))
    }

    /// The next entries; none at the end of a file that is whole.
    pub(crate) fn entries(&mut self) -> Result<Option<Vec<Entry>>, Fault> {
        let so_far = self.hashes.finalize();
        let (kind, content) = self.block()?;
        match kind {
            ENTRIES => {
                let entries = entries(&content).ok_or_else(|| self.damaged(&"no entries"))?;
                let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
                self.entries = self.entries.saturating_add(count);
                Ok(Some(entries))
            }
            END => {
                let expected = [&self.entries.to_be_bytes()[..], so_far.as_bytes()].concat();
                if content != expected {
                    return Err(self.damaged(&"the end does not fit what is before it"));
                }
                match self.input.read(&mut [0]) {
                    Ok(0) => Ok(None),
                    Ok(_) => Err(self.damaged(&"something follows its end")),
                    Err(error) => Err(self.damaged(&error)),
                }
            }
            GIVEN_UP => Err(fault::file_given_up(&String::from_utf8_lossy(&content))),
            _ => Err(self.damaged(&"there is no such kind of block")),
        }
    }

    /// The next block, as it was written.
    fn block(&mut self) -> Result<(u8, Vec<u8>), Fault> {
        let mut header = [0; 41];
        self.fill(&mut header)?;
        let ([kind], rest) = split::<1>(&header);
        let (raw_length, rest) = split::<4>(rest);
        let (packed_length, expected) = split::<4>(rest);
        let size = size(packed_length);
        if size > BLOCK_BYTES_MAX || self::size(raw_length) > BLOCK_BYTES_MAX {
            return Err(self.damaged(&"it would be longer than a block can be"));
        }
        let mut packed = Vec::new();
        let taken = (&mut self.input).take(size as u64).read_to_end(&mut packed);
        let taken = taken.map_err(|error| self.damaged(&error))?;
        let found = hash(self.number, kind, (raw_length, packed_length), &packed);
        if taken < size || found[..] != *expected {
            return Err(self.damaged(&"its checksum does not fit"));
        }
        let content = lz4_flex::block::decompress(&packed, self::size(raw_length))
            .map_err(|error| self.damaged(&error))?;
        self.hashes.update(&found);
        self.number = self.number.saturating_add(1);
        self.read = self.read.saturating_add((header.len() + taken) as u64);
        Ok((kind, content))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.input
            .read_exact(bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => self.damaged(&"the file ends here"),
                _ => self.damaged(&error),
            })
    }

    fn damaged(&self, reason: &dyn std::fmt::Display) -> Fault {
        fault::file_damaged(self.number, MAGIC.len() as u64 + self.read, reason)
    }
}

impl Head {
    fn item(&self) -> Item {
        let record = codec::Record::new().with(0, self.format).with(1, self.made);
        match self.holds {
            Holds::Node => record.into(),
            Holds::Pen { pen, moved } => record.with(2, pen).with(3, moved).into(),
        }
    }

    fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut fields = Fields::new(codec::decode(bytes, &HEAD_LIMITS)?, "a file's head")?;
        let (format, made) = (fields.read(0)?, fields.read(1)?);
        let holds = match fields.read_optional(2)? {
            None => Holds::Node,
            Some(pen) => Holds::Pen {
                pen,
                moved: fields.read(3)?,
            },
        };
        fields.finish()?;
        Ok(Self {
            holds,
            made,
            format,
        })
    }
}

impl Place {
    fn number(self) -> u8 {
        match self {
            Self::In(space) => space.number(),
            Self::Beside => BESIDE,
        }
    }

    fn of(number: u8) -> Option<Self> {
        match number {
            BESIDE => Some(Self::Beside),
            number => {
                let space = Space::of(number).filter(|space| !space.is_derived());
                space.map(Self::In)
            }
        }
    }
}

/// All entries of a block; none if it is not a row of entries.
fn entries(mut rest: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (place, lengths) = rest.split_first()?;
        let (key_length, lengths) = lengths.split_first_chunk()?;
        let (value_length, content) = lengths.split_first_chunk()?;
        let (key, content) = content.split_at_checked(size(*key_length))?;
        let (value, content) = content.split_at_checked(size(*value_length))?;
        rest = content;
        entries.push(Entry {
            place: Place::of(*place)?,
            key: key.to_vec(),
            value: value.to_vec(),
        });
    }
    Some(entries)
}

fn hash(number: u64, kind: u8, lengths: ([u8; 4], [u8; 4]), packed: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("stratus block of a file v1");
    hasher.update(&number.to_be_bytes()).update(&[kind]);
    hasher.update(&lengths.0).update(&lengths.1).update(packed);
    *hasher.finalize().as_bytes()
}

fn length(length: usize) -> io::Result<[u8; 4]> {
    let length = u32::try_from(length).map_err(io::Error::other)?;
    Ok(length.to_be_bytes())
}

fn size(length: [u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX)
}

/// The first bytes of a header, which is longer than that.
fn split<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    let (first, rest) = bytes.split_first_chunk().unwrap_or((&[0; N], &[]));
    (*first, rest)
}

/// How such a file begins; the digit counts up when blocks change.
const MAGIC: [u8; 16] = *b"stratus records1";

/// The kinds of blocks.
const HEAD: u8 = 0;
const ENTRIES: u8 = 1;
const END: u8 = 2;
const GIVEN_UP: u8 = 3;

/// The number of what stands beside the store.
const BESIDE: u8 = 255;

/// A block is ended when its content is that long.
const BLOCK_BYTES: usize = if cfg!(test) { 1 << 8 } else { 1 << 20 };

/// The longest content of a block: one record more, which has 64 MiB at most.
const BLOCK_BYTES_MAX: usize = 72 << 20;

const HEAD_LIMITS: Limits = Limits {
    bytes_max: 1 << 10,
    depth_max: 4,
    items_max: 16,
    tags: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            holds: Holds::Pen {
                pen: PenId([1; 16]),
                moved: true,
            },
            made: Timestamp(7),
            format: 1,
        }
    }

    fn written() -> Vec<u8> {
        let mut writer = FileWriter::begin(Vec::new(), &head()).unwrap();
        writer.put(Place::Beside, b"node.key", b"secret").unwrap();
        for number in 0..40_u8 {
            let value = vec![number; 40];
            let place = Place::In(Space::State);
            writer.put(place, &[number], &value).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Head, Vec<Entry>), Fault> {
        let (mut reader, head) = FileReader::begin(bytes)?;
        let mut all = Vec::new();
        while let Some(entries) = reader.entries()? {
            all.extend(entries);
        }
        Ok((head, all))
    }

    #[test]
    fn what_was_written_is_read() {
        let (found, entries) = read(&written()).unwrap();
        assert_eq!(found, head());
        assert_eq!(entries.len(), 41);
        assert_eq!(entries[0].place, Place::Beside);
        assert_eq!(entries[40].value, vec![39; 40]);
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let bytes = written();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            let fault = read(&damaged).unwrap_err();
            let expected = if at < MAGIC.len() {
                "backup-foreign"
            } else {
                "backup-damaged"
            };
            assert_eq!(fault.code, expected, "byte {at}: {fault}");
        }
    }

    #[test]
    fn a_file_that_ends_too_early_or_too_late_is_found() {
        let bytes = written();
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "{end}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(read(&longer).unwrap_err().code, "backup-damaged");
    }

    #[test]
    fn who_reads_a_file_that_was_given_up_learns_why() {
        let mut file = Vec::new();
        let writer = FileWriter::begin(&mut file, &head()).unwrap();
        writer.give_up(&fault::file_foreign()).unwrap();
        assert_eq!(read(&file).unwrap_err().code, "backup-given-up");
    }
}
