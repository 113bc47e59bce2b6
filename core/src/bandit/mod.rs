//! Online tuners.
