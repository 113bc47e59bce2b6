//! Which rules, partitions and updates each figure compares, and what there is to compare with.

use southwell_std::owned::descent::{Blocks, Move, Plan, Select};

/// A comparison, in the paper one or two figures.
pub(super) struct Figure {
    /// Numbers that it goes by.
    pub(super) numbers: &'static [u32],
    pub(super) title: &'static str,
    /// Data sets, and the sizes of blocks.
    pub(super) sets: &'static [(char, &'static [usize])],
    pub(super) arms: &'static [Arm],
}

/// A curve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub(super) name: &'static str,
    select: Select,
    blocks: Blocks,
    update: Move,
    /// Sets that it is for; none named: all.
    only: &'static str,
}

const fn arm(name: &'static str, select: Select, blocks: Blocks, update: Move) -> Arm {
    Arm { name, select, blocks, update, only: "" }
}

impl Arm {
    const fn only(self, only: &'static str) -> Self {
        Self { only, ..self }
    }

    pub(super) fn is_for(&self, set: &str) -> bool {
        self.only.is_empty() || self.only.contains(set)
    }

    pub(super) fn plan(&self, size: usize, lattice: Option<(usize, usize)>) -> Plan {
        let seed = if self.select == RandomForest { 910 } else { 900 };
        Plan {
            select: self.select,
            blocks: self.blocks,
            size,
            update: self.update,
            seed,
            lattice,
            ..Plan::default()
        }
    }
}

use Blocks::{Average, Order, Sort, Variable};
use Move::{Backtracking, Gradient, Matrix, MessagePassing, Newton, ProxNewton, TwoMetric};
use Select::{Cyclic, Forest, Gs, Gsd, Gsl, Gsq, GsqDiagonal, Lipschitz, Random, RandomForest};

const WIDE: &[usize] = &[5, 50, 100];

pub(super) const FIGURES: [Figure; 7] = [
    Figure {
        numbers: &[4, 8],
        title: "random and greedy rules, gradient updates",
        sets: &[('A', WIDE), ('B', WIDE), ('C', &[5, 50]), ('D', WIDE), ('E', WIDE)],
        arms: &[
            arm("cyclic FB", Cyclic, Sort, Gradient),
            arm("random FB", Random, Sort, Gradient),
            arm("Lipschitz FB", Lipschitz, Sort, Gradient),
            arm("GS FB", Gs, Sort, Gradient),
            arm("GSL FB", Gsl, Sort, Gradient),
            arm("random VB", Random, Variable, Gradient),
            arm("GS VB", Gs, Variable, Gradient),
            arm("GSL VB", Gsl, Variable, Gradient),
        ],
    },
    Figure {
        numbers: &[5, 11],
        title: "greedy rules, matrix updates",
        sets: &[('A', WIDE), ('B', &[5, 50]), ('C', &[5]), ('D', WIDE), ('E', WIDE)],
        arms: &[
            arm("GS FB", Gs, Sort, Matrix),
            arm("GSL FB", Gsl, Sort, Matrix),
            arm("GSD FB", Gsd, Sort, Matrix),
            // Of softmax, 10 000 blocks to factorise a step.
            arm("GSQ FB", Gsq, Sort, Matrix).only("ABDE"),
            arm("GS VB", Gs, Variable, Matrix),
            arm("GSD VB", Gsd, Variable, Matrix),
            arm("GSQ VB", Gsq, Variable, Matrix),
        ],
    },
    Figure {
        numbers: &[6],
        title: "forests, solved exactly",
        sets: &[('D', &[0]), ('E', &[0])],
        arms: &[
            arm("red-black", Cyclic, Blocks::RedBlack, MessagePassing).only("D"),
            arm("colours by L", Cyclic, Blocks::Colours, MessagePassing).only("E"),
            arm("colours in order", Cyclic, Blocks::ColoursInOrder, MessagePassing).only("E"),
            arm("combs", Cyclic, Blocks::Combs, MessagePassing).only("D"),
            arm("trees by L", Cyclic, Blocks::Trees, MessagePassing),
            arm("trees in order", Cyclic, Blocks::TreesInOrder, MessagePassing),
            arm("greedy forest", Forest, Variable, MessagePassing),
            arm("random forest", RandomForest, Variable, MessagePassing),
            arm("general", Gs, Variable, Matrix),
        ],
    },
    Figure {
        numbers: &[7, 13],
        title: "finding the support",
        sets: &[('1', WIDE)],
        arms: &[
            arm("PG FB", GsqDiagonal, Sort, Gradient),
            arm("TMP FB", GsqDiagonal, Sort, TwoMetric),
            arm("PN FB", GsqDiagonal, Sort, ProxNewton),
            arm("PG VB", GsqDiagonal, Variable, Gradient),
            arm("TMP VB", GsqDiagonal, Variable, TwoMetric),
            arm("PN VB", GsqDiagonal, Variable, ProxNewton),
            arm("random PN VB", Random, Variable, ProxNewton),
        ],
    },
    Figure {
        numbers: &[9],
        title: "Lipschitz constants bounded and found by trial",
        sets: &[('A', &[5, 50]), ('B', &[5, 50]), ('C', &[5, 50]), ('D', &[5, 50]), ('E', &[5, 50])],
        arms: &[
            arm("cyclic Lb", Cyclic, Order, Gradient),
            arm("cyclic LA", Cyclic, Order, Backtracking),
            arm("GSL Lb", Gsl, Order, Gradient),
            arm("GSL LA", Gsl, Order, Backtracking),
        ],
    },
    Figure {
        numbers: &[10],
        title: "partitions into fixed blocks",
        sets: &[('A', &[5, 50]), ('B', &[5, 50]), ('C', &[5, 50]), ('D', &[5, 50]), ('E', &[5, 50])],
        arms: &[
            arm("GS sort", Gs, Sort, Gradient),
            arm("GSD sort", Gsd, Sort, Gradient),
            arm("GSL sort", Gsl, Sort, Gradient),
            arm("GS order", Gs, Order, Gradient),
            arm("GSD order", Gsd, Order, Gradient),
            arm("GSL order", Gsl, Order, Gradient),
            arm("GS average", Gs, Average, Gradient),
            arm("GSD average", Gsd, Average, Gradient),
            arm("GSL average", Gsl, Average, Gradient),
        ],
    },
    Figure {
        numbers: &[12],
        title: "greedy rules, Newton updates with a line search",
        sets: &[('B', &[5, 50]), ('C', &[5, 50])],
        arms: &[
            arm("GS FB", Gs, Sort, Newton),
            arm("GSL FB", Gsl, Sort, Newton),
            arm("GSD FB", Gsd, Sort, Newton),
            arm("GS VB", Gs, Variable, Newton),
            arm("GSD VB", Gsd, Variable, Newton),
            arm("GSQ VB", Gsq, Variable, Newton),
        ],
    },
];

/// A value that another implementation found at full size: figure, set, size of blocks, arm, step, f − f*.
type Reference = (u32, &'static str, usize, &'static str, u32, f64);

const REFERENCES: &[Reference] = &[
    (4, "A", 5, "cyclic FB", 500, 5.40e5),
    (4, "A", 50, "cyclic FB", 500, 16.1),
    (4, "B", 5, "cyclic FB", 500, 145.0),
    (4, "D", 100, "cyclic FB", 500, 9.48e7),
    (4, "E", 50, "cyclic FB", 500, 112.0),
    (4, "A", 5, "GS FB", 500, 1.20e5),
    (4, "A", 50, "GS FB", 500, 1.90e3),
    (4, "B", 5, "GS FB", 500, 105.0),
    (4, "D", 100, "GS FB", 500, 8.24e7),
    (4, "E", 50, "GS FB", 500, 103.0),
    (4, "A", 5, "GSL FB", 500, 3.83e3),
    (4, "A", 50, "GSL FB", 500, 3.01),
    (4, "B", 5, "GSL FB", 500, 57.5),
    (4, "D", 100, "GSL FB", 500, 8.24e7),
    (4, "E", 50, "GSL FB", 500, 101.0),
    (4, "A", 5, "GS VB", 500, 3.03e4),
    (4, "A", 50, "GS VB", 500, 0.697),
    (4, "B", 5, "GS VB", 500, 73.9),
    (4, "C", 5, "GS VB", 500, 3.02e3),
    (4, "D", 100, "GS VB", 500, 9.36e6),
    (4, "E", 50, "GS VB", 500, 108.0),
    (4, "A", 5, "GSL VB", 500, 8.28e3),
    (4, "A", 50, "GSL VB", 500, 6.63e-3),
    (4, "B", 5, "GSL VB", 500, 60.1),
    (4, "B", 50, "GSL VB", 500, 15.1),
    (4, "C", 5, "GSL VB", 500, 2.93e3),
    (4, "D", 100, "GSL VB", 500, 9.40e6),
    (4, "E", 50, "GSL VB", 500, 107.0),
    (5, "A", 5, "GSQ FB", 500, 2.07e3),
    (5, "A", 50, "GSQ FB", 500, 1.89e-9),
    (5, "B", 5, "GSQ FB", 500, 48.4),
    (5, "D", 100, "GSQ FB", 500, 2.07e5),
    (5, "E", 50, "GSQ FB", 500, 63.6),
    (5, "A", 5, "GS VB", 500, 3.56e3),
    (5, "A", 50, "GS VB", 500, 2.31e-3),
    (5, "B", 5, "GS VB", 500, 46.4),
    (5, "D", 100, "GS VB", 500, 2.50e6),
    (5, "E", 50, "GS VB", 500, 44.4),
    (5, "A", 5, "GSD VB", 500, 3.91e-2),
    (5, "B", 5, "GSD VB", 500, 24.4),
    (5, "B", 50, "GSD VB", 500, 6.64),
    (5, "C", 5, "GSD VB", 500, 2.28e3),
    (5, "D", 100, "GSD VB", 500, 2.49e6),
    (5, "E", 50, "GSD VB", 500, 44.8),
    (5, "A", 5, "GSQ VB", 500, 3.07e-2),
    (5, "B", 50, "GSQ VB", 500, 3.04),
    (5, "D", 100, "GSQ VB", 500, 1.48e3),
    (5, "E", 50, "GSQ VB", 500, 40.5),
    (12, "B", 5, "GSD VB", 500, 1.36e-3),
    (6, "D", 0, "red-black", 200, 6.79e4),
    (6, "E", 0, "colours by L", 200, 2.16e1),
    (6, "D", 0, "combs", 200, 3.88e2),
    (6, "D", 0, "trees by L", 200, 4.54e3),
    (6, "E", 0, "trees by L", 200, 4.58e-1),
    (6, "D", 0, "greedy forest", 200, 3.35e2),
    (6, "E", 0, "greedy forest", 200, 1.08e-1),
    (6, "D", 0, "random forest", 200, 1.27e4),
    (6, "E", 0, "random forest", 200, 2.91),
    (6, "D", 0, "general", 200, 1.83e8),
    (6, "E", 0, "general", 200, 2.59e2),
];

/// Values that were read off the paper's plots, at step 500; its random numbers are not known.
const PUBLISHED: &[Reference] = &[
    (4, "A", 5, "GSL VB", 500, 8e3),
    (4, "A", 5, "GSL FB", 500, 8e3),
    (4, "A", 5, "GS VB", 500, 3e4),
    (4, "A", 5, "GS FB", 500, 2e5),
    (4, "A", 50, "GSL VB", 500, 1e-2),
    (4, "B", 5, "GSL FB", 500, 6e1),
    (4, "C", 5, "GSL VB", 500, 3.0e3),
    (5, "A", 5, "GSQ VB", 500, 4e-2),
    (5, "A", 5, "GSD VB", 500, 4e-2),
    (5, "A", 5, "GS FB", 500, 2e5),
    (5, "B", 5, "GSD VB", 500, 2.5e1),
    (5, "B", 50, "GSQ VB", 500, 3.2),
    (5, "C", 5, "GSD VB", 500, 2.3e3),
    (5, "D", 100, "GSQ VB", 500, 1.5e3),
    (6, "D", 0, "greedy forest", 500, 2e-5),
    (6, "D", 0, "combs", 500, 2e-5),
    (6, "D", 0, "random forest", 500, 2e-1),
    (6, "D", 0, "red-black", 500, 2e1),
    (6, "D", 0, "general", 500, 6e7),
    (6, "E", 0, "greedy forest", 500, 8e-5),
    (6, "E", 0, "trees by L", 500, 2e-3),
    (6, "E", 0, "trees in order", 500, 2e-2),
    (6, "E", 0, "random forest", 500, 4e-2),
    (6, "E", 0, "colours by L", 500, 2.0),
    (6, "E", 0, "colours in order", 500, 5.0),
    (6, "E", 0, "general", 500, 2e2),
];

/// Steps to a relative gap of 1e-4 and of 1e-8, and until the support stays right: size of blocks, arm; 0: never.
const SUPPORT: &[(usize, &str, [u32; 3])] = &[
    (5, "PG FB", [104, 256, 102]),
    (5, "TMP FB", [89, 188, 99]),
    (5, "PN FB", [89, 188, 99]),
    (5, "PG VB", [32, 75, 31]),
    (5, "TMP VB", [17, 36, 18]),
    (5, "PN VB", [17, 36, 18]),
    (50, "PG FB", [241, 0, 245]),
    (50, "TMP FB", [47, 102, 52]),
    (50, "PN FB", [46, 99, 52]),
    (50, "PG VB", [25, 59, 19]),
    (50, "TMP VB", [3, 3, 3]),
    (50, "PN VB", [2, 3, 2]),
];

/// Step and value of both kinds, where there are any.
pub(super) fn known(figure: u32, set: &str, size: usize, arm: &str) -> [Option<(u32, f64)>; 2] {
    [REFERENCES, PUBLISHED].map(|list| {
        let found = list.iter().find(|row| (row.0, row.1, row.2, row.3) == (figure, set, size, arm));
        found.map(|row| (row.4, row.5))
    })
}

/// Steps of the reference to the gaps and the support.
pub(super) fn known_steps(size: usize, arm: &str) -> Option<[Option<u32>; 3]> {
    let found = SUPPORT.iter().find(|row| (row.0, row.1) == (size, arm))?;
    Some(found.2.map(|step| (step > 0).then_some(step)))
}
