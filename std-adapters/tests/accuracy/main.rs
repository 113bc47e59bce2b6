//! Differential tests: thousands of small random problems of controlled conditioning against solutions that share no
//! line of code with southwell, in single and in double precision, and numbers at the ends of both.

mod extremes;
mod problems;
mod quadratic;
mod regression;
mod systems;
mod transport;
