//! Block coordinate descent and sparse regression.

#[path = "../common/mod.rs"]
mod common;
mod design;
mod direct_sets;
mod forests;
mod nonnegative;
mod penalties;
mod refusals;
#[path = "../common/regression.rs"]
mod regression;
mod rules;
mod sparse_regression;
mod sparse_regression_properties;
mod streams;
mod tables;
mod tiny;
mod tiny_regression;
mod uniform;
