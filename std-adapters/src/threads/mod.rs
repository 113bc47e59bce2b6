//! All cores of one machine, behind the same types.
//!
//! A view of a problem, wrapped in [`Threaded`], is a view of the same kind whose passes over memory are shared out
//! among the threads of a [`Pool`]; solvers, options, workspaces and reports stay as they are.
//!
//! | wrap | for | what is shared out | bits |
//! |---|---|---|---|
//! | [`Cost`](southwell::transport::Cost), stored or made from points | transport in the log domain, Newton's method | readings of the costs, for rows and columns | of one thread |
//! | [`RedBlack`](southwell::relaxation::RedBlack) of a stencil | SOR | sweeps, in bands of the grid | of one thread |
//! | a stencil or a [`Csr`](southwell::linear::Csr) | CG | products | of one thread |
//! | a stencil | SSOR-CG in natural order | both halves, in bands or strips behind one another; products | of one thread |
//! | [`Operator`](southwell::subgradient::matrix::operator::Operator) | recovery of matrices | measurements and their gradient | of any number of threads, in blocks |
//! | a [`Quantile`](southwell::subgradient::Quantile) fit, the pool being its [`Reader`](southwell::subgradient::fit::Reader) | least absolute deviations, quantiles | rows of every step | of any number of threads, in blocks |
//! | [`Design`](southwell::linear::Design) | descent | products with all columns | of one thread |
//!
//! [`Coloured`] lays a sparse matrix out by colours, for SOR, block SOR and SSOR-CG: the bits of one thread in that
//! order. [`Levels`] solves the halves of SSOR-CG of a sparse matrix in natural order by wavefronts, with the bits of one
//! thread. [`descent`] minimises sparse quadratics with penalties, by colours or greedily in parts. Sweeps of SOR in
//! natural order are not shared out. What a residual's square adds up on threads is added in
//! blocks, so that it may differ from the serial one in its last digits, and a run may end at another look.
//!
//! Results do not depend on the number of threads; where the table says so, they are those of the calling thread
//! alone, bit for bit.

mod auto;
mod bands;
mod coloured;
mod cost;
pub mod descent;
mod design;
mod fit;
mod grids;
mod halves;
mod layers;
mod levels;
mod lines;
mod operator;
mod pool;
mod relay;
mod sparse;
mod updates;

pub use auto::{Work, auto};
pub use coloured::{Coloured, ColouredHalves, ColouredSweeps};
pub use levels::{LevelledHalves, Levels};
pub use pool::{Pool, PoolError};

/// A view whose passes are shared out among the threads of a pool: see the table of the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct Threaded<'p, A> {
    pool: &'p Pool,
    inner: A,
}

impl<'p, A> Threaded<'p, A> {
    /// Wraps a view, or a reference to one.
    pub const fn new(pool: &'p Pool, inner: A) -> Self {
        Self { pool, inner }
    }

    /// The view as it was.
    pub const fn inner(&self) -> &A {
        &self.inner
    }
}
