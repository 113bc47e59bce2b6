//! Where a solver runs: the words of `--device`.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// A place to run.
///
/// | word | place |
/// |---|---|
/// | `cpu` | the calling thread, with the widest instruction set there is |
/// | `threads` | all cores of this machine |
/// | `threads:N` | N threads, the calling one among them |
/// | `gpu` | the first graphics processor that is not emulated |
/// | `gpu:NAME` | the one whose name contains NAME, in any case |
/// | `auto` | what the size of the problem calls for |
///
/// ```
/// use southwell_std::device::Device;
/// let device: Device = "threads:4".parse()?;
/// assert_eq!(device, Device::Threads(std::num::NonZeroUsize::new(4)));
/// assert_eq!(device.to_string(), "threads:4");
/// assert!("threads:0".parse::<Device>().is_err());
/// # Ok::<(), southwell_std::device::UnknownDevice>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// The calling thread alone.
    #[default]
    Cpu,
    /// This many threads, the calling one among them; `None` for one a core.
    Threads(Option<NonZeroUsize>),
    /// A graphics processor: one whose name contains this text, or `None` for the first.
    Gpu(Option<String>),
    /// Whatever is expected to be fastest for the problem at hand.
    Auto,
}

/// Why a text names no device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownDevice {
    /// None of the words.
    Word(String),
    /// `threads:` followed by something that is not a positive number.
    Threads(String),
    /// `gpu:` without a name.
    Name,
}

impl fmt::Display for UnknownDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnknownDevice::Word(word) => {
                write!(f, "there is no device `{word}`; give cpu, threads[:N], gpu[:NAME] or auto")
            }
            UnknownDevice::Threads(count) if count.bytes().all(|b| b == b'0') && !count.is_empty() => {
                write!(
                    f,
                    "nothing runs on zero threads; give `threads:1` or more, or `threads` for all cores"
                )
            }
            UnknownDevice::Threads(count) => {
                write!(
                    f,
                    "`{count}` is no number of threads; give `threads:4`, say, or `threads` for all cores"
                )
            }
            UnknownDevice::Name => {
                write!(
                    f,
                    "`gpu:` lacks a name; give `gpu` for the first one, or a part of its name after the colon"
                )
            }
        }
    }
}

impl std::error::Error for UnknownDevice {}

impl FromStr for Device {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        let (word, rest) = match text.split_once(':') {
            Some((word, rest)) => (word, Some(rest)),
            None => (text, None),
        };
        match (word, rest) {
            ("cpu", None) => Ok(Device::Cpu),
            ("auto", None) => Ok(Device::Auto),
            ("threads", None) => Ok(Device::Threads(None)),
            ("threads", Some(count)) => {
                let number = count.parse().map_err(|_| UnknownDevice::Threads(count.to_owned()))?;
                Ok(Device::Threads(Some(number)))
            }
            ("gpu", None) => Ok(Device::Gpu(None)),
            ("gpu", Some(name)) if name.trim().is_empty() => Err(UnknownDevice::Name),
            ("gpu", Some(name)) => Ok(Device::Gpu(Some(name.trim().to_owned()))),
            _ => Err(UnknownDevice::Word(text.to_owned())),
        }
    }
}

/// The word that parses back to the device.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Threads(None) => f.write_str("threads"),
            Device::Threads(Some(count)) => write!(f, "threads:{count}"),
            Device::Gpu(None) => f.write_str("gpu"),
            Device::Gpu(Some(name)) => write!(f, "gpu:{name}"),
            Device::Auto => f.write_str("auto"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back() {
        for word in ["cpu", "auto", "threads", "threads:1", "threads:64", "gpu", "gpu:NVIDIA H100: PCIe"] {
            let device: Device = word.parse().expect(word);
            assert_eq!(device.to_string(), word);
        }
        assert_eq!("gpu: llvmpipe ".parse(), Ok(Device::Gpu(Some("llvmpipe".to_owned()))));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |word: &str| word.parse::<Device>().expect_err(word).to_string();
        assert!(said("threads:0").contains("zero threads"), "{}", said("threads:0"));
        for word in ["threads:", "threads:-1", "threads:two", "threads:99999999999999999999"] {
            assert!(said(word).contains("no number of threads"), "{}", said(word));
        }
        for word in ["", "CPU", "cuda", "cpu:1", "auto:2", "thread", "threads 2", ":4"] {
            assert!(said(word).contains("cpu, threads[:N], gpu[:NAME] or auto"), "{}", said(word));
        }
        for word in ["gpu:", "gpu:  "] {
            assert!(said(word).contains("lacks a name"), "{}", said(word));
        }
    }
}
