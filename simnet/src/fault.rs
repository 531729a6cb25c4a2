//! What goes wrong, and how often.

/// How often things go wrong. All chances are per million, all times in virtual milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// A node dies as it hands a batch to its disk: the batch is lost.
    pub crash_before_commit_per_million: u64,
    /// A node dies when a batch has become durable, before it learns of it.
    pub crash_after_commit_per_million: u64,
    /// A node dies when it has sent a frame.
    pub crash_after_frame_per_million: u64,
    /// A node dies when it has sent a request to a service, before it reads the answer.
    pub crash_after_request_per_million: u64,
    /// A link breaks when a frame is sent; the frame and all that is under way in it is lost.
    pub link_break_per_million: u64,
    /// How long a dead node stays dead, at most.
    pub downtime_ms_max: u64,
    /// How long a frame is under way, at most.
    pub latency_ms_max: u64,
}

impl Faults {
    /// Nothing goes wrong, but everything takes its time.
    pub const NONE: Self = Self {
        crash_before_commit_per_million: 0,
        crash_after_commit_per_million: 0,
        crash_after_frame_per_million: 0,
        crash_after_request_per_million: 0,
        link_break_per_million: 0,
        downtime_ms_max: 1,
        latency_ms_max: 80,
    };

    /// About every fiftieth step of a node goes wrong in one way or another.
    pub const ROUGH: Self = Self {
        crash_before_commit_per_million: 4_000,
        crash_after_commit_per_million: 4_000,
        crash_after_frame_per_million: 4_000,
        crash_after_request_per_million: 20_000,
        link_break_per_million: 20_000,
        downtime_ms_max: 20_000,
        latency_ms_max: 400,
    };
}
