//! Sub-gradients: small nonsmooth problems and robust matrix recovery.

mod averages;
mod calibration;
#[path = "../common/mod.rs"]
mod common;
mod fit_formulas;
mod fits;
mod lad;
mod minimise;
mod mirror;
mod oracles;
mod problems;
mod projections;
mod recovery;
mod recovery_formulas;
mod recovery_operators;
mod recovery_pauses;
mod recovery_properties;
mod recovery_refusals;
mod recovery_rules;
mod refusals;
mod rules;
mod tiny;
mod vertices;
