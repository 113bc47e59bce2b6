//! Problems that own their memory: a host user solves in one or two lines.
//!
//! Nothing is implemented here: the vectors are lent to `southwell`'s views and solvers.
//!
//! ```
//! use southwell::Stop;
//! use southwell::relaxation::Auto;
//! use southwell_std::files::SparseMatrix;
//! use southwell_std::owned::{Method, System};
//!
//! # fn main() -> Result<(), southwell::Error> {
//! let a = SparseMatrix {
//!     rows: 3,
//!     columns: 3,
//!     row_offsets: vec![0, 2, 5, 7],
//!     column_indices: vec![0, 1, 0, 1, 2, 1, 2],
//!     values: vec![4.0, -1.0, -1.0, 4.0, -1.0, -1.0, 4.0],
//! };
//! let system = System::new(a, vec![2.0, 4.0, 10.0])?;
//! let solution = system.solve(Method::SsorCg, &Stop::default(), &mut Auto::new()?, &mut ())?;
//! assert!(solution.report.converged() && (solution.x[0] - 1.0).abs() < 1e-7);
//! # Ok(())
//! # }
//! ```

mod balance;
mod box_qp;
pub(crate) mod colours;
pub mod descent;
mod recovery;
mod regression;
mod robust;
mod samples;
mod system;
mod transport;

pub use balance::{Balance, Balanced, Balancer};
pub use box_qp::{BoxQp, Boxed};
#[cfg(feature = "threads")]
pub use recovery::OnThreads;
#[cfg(feature = "npz")]
pub(crate) use recovery::Watched;
#[cfg(feature = "gpu")]
pub(crate) use recovery::narrow;
#[cfg(any(feature = "npz", feature = "gpu"))]
pub(crate) use recovery::recover;
pub use recovery::{Found, Look, Measurements, Recovery};
pub use regression::{Fit, Regression, Sparsity};
pub(crate) use regression::{LambdaMax, Memory, Posing, WithProblem};
pub use robust::{Fitted, Loss, Robust, Settings};
pub use samples::{Samples, SamplesView};
pub use system::{Method, Solution, System};
pub use transport::{Costs, Coupler, Coupling, Precision, Solving, Transport};
