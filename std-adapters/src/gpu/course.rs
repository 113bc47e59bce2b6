//! How a run on a device goes: what every such run keeps of its failures.

use southwell::Status;

use super::error::Error;

/// Why a run goes no further, if it does not.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// The status that it ends with.
    pub(super) failure: Option<Status>,
    /// The first error of the device.
    pub(super) error: Option<Error>,
}

impl Course {
    /// Takes note of how an operation of the device went; what it gave, if anything.
    pub(super) fn note<V>(&mut self, result: Result<V, Error>) -> Option<V> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.error.get_or_insert(error);
                self.failure = Some(Status::Stopped);
                None
            }
        }
    }
}
