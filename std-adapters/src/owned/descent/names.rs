//! What the parts of a descent are called.

use std::fmt;
use std::str::FromStr;

/// A name that nothing has, with those that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
    given: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no {} `{}`; there are {}", self.what, self.given, self.known.join(", "))
    }
}

impl std::error::Error for UnknownName {}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $what:literal: $($(#[$about:meta])* $variant:ident = $word:literal,)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $variant,)+
        }

        impl $name {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// What they are called, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// What it is called.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;
            fn from_str(given: &str) -> Result<Self, UnknownName> {
                let found = Self::ALL.iter().find(|one| one.name() == given).copied();
                found.ok_or_else(|| UnknownName {
                    what: $what,
                    given: given.to_owned(),
                    known: Self::NAMES.to_vec(),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

named! {
    /// Which block is next (`southwell::descent::selection`).
    Select, "rule":
    /// In turn.
    Cyclic = "cyclic",
    /// In turn, in an order that is drawn anew for every round.
    Shuffled = "shuffled",
    /// Any, with equal chances.
    Random = "random",
    /// Any, with chances as L_b.
    Lipschitz = "lipschitz",
    /// The largest derivative, ‖dist(−g_b, ∂h_b)‖ (GS-s).
    Gs = "gs",
    /// The same over √L_b.
    Gsl = "gsl",
    /// The same with a bound for every variable.
    Gsd = "gsd",
    /// The longest proximal step, √L_b ‖d_b‖ (GSL-r).
    GsR = "gs-r",
    /// The best proximal step (GSL-q).
    GsQ = "gs-q",
    /// The best proximal step with a bound for every variable.
    GsqDiagonal = "gsq-diagonal",
    /// The best exact step of a smooth problem; of variable blocks by hard thresholding from a dense start.
    Gsq = "gsq",
    /// The same from the start that is never behind `gsd`.
    GsqSafe = "gsq-safe",
    /// The best forest of a sparse quadratic, variable by variable.
    Forest = "forest",
    /// A random forest.
    RandomForest = "random-forest",
}

named! {
    /// How variables are put into blocks (`southwell::descent::partitions`).
    Blocks, "partition":
    /// Chosen anew in every step.
    Variable = "variable",
    /// Consecutive ones.
    Order = "order",
    /// By ascending L_i.
    Sort = "sort",
    /// Small and large L_i together.
    Average = "average",
    /// None of which are coupled, visited by descending L_i (sparse quadratics).
    Colours = "colours",
    /// The same, visited in their order.
    ColoursInOrder = "colours-in-order",
    /// Without cycles, visited by descending L_i (sparse quadratics).
    Trees = "trees",
    /// The same, visited in their order.
    TreesInOrder = "trees-in-order",
    /// The two colours of a lattice.
    RedBlack = "red-black",
    /// The two combs of a lattice.
    Combs = "combs",
}

named! {
    /// How a block moves (`southwell::descent::update`).
    Move, "update":
    /// A proximal step of length 1/L_b.
    Gradient = "gradient",
    /// The same with an L_b that is found by trial.
    Backtracking = "backtracking",
    /// By the bound H_b of the Hessian; exact for quadratics.
    Matrix = "matrix",
    /// By the Hessian, with a line search.
    Newton = "newton",
    /// To the minimum of the quadratic model and the penalty.
    ProxNewton = "prox-newton",
    /// A Newton step off the kinks and bounds, projected.
    TwoMetric = "two-metric",
    /// Exactly, along the edges of a forest.
    MessagePassing = "message-passing",
}
