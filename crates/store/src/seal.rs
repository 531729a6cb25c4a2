//! A file that only those can read who know its passphrase.
//!
//! It begins with [`MAGIC`], the salt and the costs of Argon2id (RFC 9106), by which the passphrase
//! gives the key, and a nonce. Then come pieces of [`PIECE_BYTES`] and a shorter last one, each
//! sealed by XChaCha20-Poly1305 in the STREAM construction, which counts them and marks the last.
//! So a piece that was changed, moved or left out, and a file that was cut, are found. All that
//! comes before the pieces is authenticated with each of them.

use std::io::{self, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{
        Payload,
        stream::{NewStream, StreamBE32, StreamPrimitive},
    },
};
use stratus_event::Fault;

use crate::fault;

/// What opens a sealed file. Its text is not shown.
#[derive(Clone)]
pub struct Passphrase(String);

impl Passphrase {
    /// A passphrase of at least [`PASSPHRASE_CHARACTERS_MIN`] characters.
    pub fn new(text: &str) -> Result<Self, Fault> {
        if text.chars().count() < PASSPHRASE_CHARACTERS_MIN {
            return Err(fault::passphrase_short(PASSPHRASE_CHARACTERS_MIN));
        }
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// Bytes that nobody can guess, for the salt and the nonce of one file. Never used twice.
pub type Randomness = [u8; SALT_BYTES + NONCE_BYTES];

/// Seals what is written to it.
pub(crate) struct Sealing<W> {
    out: W,
    pieces: Pieces,
    piece: Vec<u8>,
}

/// Reads what was sealed. What is not as it was written is an error.
pub(crate) struct Opened<R> {
    input: R,
    pieces: Pieces,
    /// What was opened and not read yet, and how much of it was read.
    piece: Vec<u8>,
    read: usize,
    /// The last piece was opened.
    ended: bool,
}

/// Seals and opens pieces in their order.
struct Pieces {
    stream: StreamBE32<XChaCha20Poly1305>,
    head: Vec<u8>,
    next: u32,
}

impl<W: Write> Sealing<W> {
    pub(crate) fn begin(
        mut out: W,
        passphrase: &Passphrase,
        random: &Randomness,
    ) -> Result<Self, Fault> {
        let costs = [MEMORY_KIB, PASSES];
        let head = [
            &MAGIC[..],
            &costs[0].to_be_bytes(),
            &costs[1].to_be_bytes(),
            random,
        ]
        .concat();
        out.write_all(&head)
            .map_err(|error| fault::file_unwritable(&error))?;
        Ok(Self {
            out,
            pieces: Pieces::new(head, passphrase, costs, random)?,
            piece: Vec::with_capacity(PIECE_BYTES),
        })
    }

    /// Seals the last piece and gives back what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let sealed = self.pieces.seal(&self.piece, true)?;
        self.out.write_all(&sealed)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece is sealed only when more comes, because the last one is sealed otherwise.
        if self.piece.len() == PIECE_BYTES {
            let sealed = self.pieces.seal(&self.piece, false)?;
            self.out.write_all(&sealed)?;
            self.piece.clear();
        }
        let room = PIECE_BYTES - self.piece.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.piece.extend_from_slice(taken);
        Ok(taken.len())
    }

    /// What fills no piece yet waits for the end.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<R: Read> Opened<R> {
    pub(crate) fn begin(mut input: R, passphrase: &Passphrase) -> Result<Self, Fault> {
        let mut head = vec![0; HEAD_BYTES];
        let begun = input.read_exact(&mut head);
        let (magic, rest) = head.split_first_chunk().unwrap_or((&[0; 16], &[]));
        if begun.is_err() || *magic != MAGIC {
            return Err(fault::file_foreign());
        }
        let (memory, rest) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let (passes, rest) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let costs = [u32::from_be_bytes(*memory), u32::from_be_bytes(*passes)];
        let random = rest.first_chunk().copied().unwrap_or([0; _]);
        if costs[0] > MEMORY_KIB_MAX || costs[1] > PASSES_MAX {
            return Err(fault::passphrase_costly());
        }
        let mut opened = Self {
            input,
            pieces: Pieces::new(head, passphrase, costs, &random)?,
            piece: Vec::new(),
            read: 0,
            ended: false,
        };
        // The first piece tells whether it is the right passphrase.
        opened.open().map_err(|_| fault::passphrase_wrong())?;
        Ok(opened)
    }

    /// Opens the next piece.
    fn open(&mut self) -> io::Result<()> {
        let mut sealed = Vec::new();
        let size = PIECE_BYTES + TAG_BYTES;
        (&mut self.input)
            .take(size as u64)
            .read_to_end(&mut sealed)?;
        // Whether a whole piece is the last one, its seal says.
        let whole = sealed.len() == size;
        let opened = whole.then(|| self.pieces.open(&sealed, false)).flatten();
        let (piece, ended) = match opened {
            Some(piece) => (Some(piece), false),
            None => (self.pieces.open(&sealed, true), true),
        };
        self.piece = piece.ok_or_else(wrong)?;
        (self.read, self.ended) = (0, ended);
        Ok(())
    }
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            if self.ended {
                // Nothing may follow the last piece.
                return match self.input.read(&mut [0])? {
                    0 => Ok(0),
                    _ => Err(wrong()),
                };
            }
            self.open()?;
        }
        let left = self.piece.get(self.read..).unwrap_or_default();
        let count = left.len().min(bytes.len());
        let (into, from) = (bytes.get_mut(..count), left.get(..count));
        if let (Some(into), Some(from)) = (into, from) {
            into.copy_from_slice(from);
        }
        self.read += count;
        Ok(count)
    }
}

impl Pieces {
    fn new(
        head: Vec<u8>,
        passphrase: &Passphrase,
        [memory, passes]: [u32; 2],
        random: &Randomness,
    ) -> Result<Self, Fault> {
        let (salt, nonce) = random.split_at(SALT_BYTES);
        let params = Params::new(memory, passes, 1, Some(KEY_BYTES));
        let params = params.map_err(|_| fault::passphrase_costly())?;
        let mut key = [0; KEY_BYTES];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.0.as_bytes(), salt, &mut key)
            .map_err(|_| fault::passphrase_costly())?;
        let cipher = XChaCha20Poly1305::new(&key.into());
        Ok(Self {
            stream: StreamBE32::from_aead(cipher, nonce.into()),
            head,
            next: 0,
        })
    }

    fn seal(&mut self, piece: &[u8], last: bool) -> io::Result<Vec<u8>> {
        let sealed = self.stream.encrypt(self.next, last, self.payload(piece));
        self.next = self.next.checked_add(1).ok_or_else(wrong)?;
        sealed.map_err(|_| wrong())
    }

    /// The piece; none if it was not sealed so.
    fn open(&mut self, sealed: &[u8], last: bool) -> Option<Vec<u8>> {
        let opened = self
            .stream
            .decrypt(self.next, last, self.payload(sealed))
            .ok()?;
        self.next = self.next.checked_add(1)?;
        Some(opened)
    }

    fn payload<'a>(&'a self, msg: &'a [u8]) -> Payload<'a, 'a> {
        let aad = &self.head;
        Payload { msg, aad }
    }
}

/// A wrong passphrase and a damaged file cannot be told apart.
fn wrong() -> io::Error {
    let reason = "the passphrase is wrong, or the file is damaged";
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// How a sealed file begins; the digit counts up when what follows changes.
const MAGIC: [u8; 16] = *b"stratus sealed 1";

const HEAD_BYTES: usize = MAGIC.len() + 8 + SALT_BYTES + NONCE_BYTES;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 19;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// How much is sealed at a time.
const PIECE_BYTES: usize = 64 << 10;

/// The costs of Argon2id for new files: the second recommendation of RFC 9106, section 4.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;

/// The costs above which a file is not opened.
const MEMORY_KIB_MAX: u32 = 512 << 10;
const PASSES_MAX: u32 = 16;

/// The shortest passphrase, in characters.
pub const PASSPHRASE_CHARACTERS_MIN: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: Randomness = [7; SALT_BYTES + NONCE_BYTES];

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text).unwrap()
    }

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut sealing =
            Sealing::begin(Vec::new(), &passphrase("correct horse"), &RANDOM).unwrap();
        sealing.write_all(content).unwrap();
        sealing.finish().unwrap()
    }

    fn opened(sealed: &[u8], text: &str) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let opened = Opened::begin(sealed, &passphrase(text));
        opened
            .map_err(io::Error::other)?
            .read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn what_was_sealed_is_opened_by_the_passphrase_alone() {
        for length in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES] {
            let content: Vec<u8> = (0..=250).cycle().take(length).collect();
            let sealed = sealed(&content);
            assert_eq!(
                opened(&sealed, "correct horse").unwrap(),
                content,
                "{length}"
            );
        }
        let sealed = sealed(b"secret");
        assert!(opened(&sealed, "correct house").is_err());
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn what_was_changed_is_not_opened() {
        let whole = sealed(&vec![1; PIECE_BYTES + 9]);
        for at in [
            0,
            16,
            20,
            24,
            40,
            HEAD_BYTES,
            HEAD_BYTES + PIECE_BYTES + 20,
            whole.len() - 1,
        ] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(opened(&damaged, "correct horse").is_err(), "{at}");
        }
        let cut = HEAD_BYTES + PIECE_BYTES + TAG_BYTES;
        assert!(opened(&whole[..cut], "correct horse").is_err());
        assert!(opened(&whole[..HEAD_BYTES], "correct horse").is_err());
        let longer = [&whole[..], &[0]].concat();
        assert!(opened(&longer, "correct horse").is_err());
    }

    #[test]
    fn a_file_cannot_ask_for_all_memory() {
        let mut sealed = sealed(b"x");
        sealed[MAGIC.len()] = 255;
        let opened = Opened::begin(&sealed[..], &passphrase("correct horse"));
        assert_eq!(opened.err().unwrap().code, "passphrase-costly");
        assert_eq!(
            Passphrase::new("short").unwrap_err().code,
            "passphrase-short"
        );
        assert_eq!(
            format!("{:?}", passphrase("correct horse")),
            "Passphrase(…)"
        );
    }
}
