//! `southwell descend`: what is smooth plus what bends or ends, by block coordinate descent. Here are the arguments;
//! `sparse` is the solver with working sets for the lasso and its relatives, `parts` everything that is put together
//! from names, `bounded` the active-set method for quadratics in a box.

mod bounded;
#[cfg(any(unix, windows))]
mod out_of_core;
mod parts;
mod read;
mod sparse;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use southwell_std::owned::descent::{Blocks, Move, Select, Share, UnknownName};
use southwell_std::threads::descent::Parts;

use self::words::{Judge, Kind};
use super::heat::tolerance;
use crate::output::{self, Failure};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("resumable").args(["out_of_core", "cluster"]))]
#[command(after_help = "\
What is minimised is (1/n) Σ loss + λ·penalty: λ is what scikit-learn calls alpha. The gap bounds how far
the objective is above the least.

The lasso, the elastic net, the non-negative lasso and the group lasso with squares or logistic loss go to a
solver with working sets, to a duality gap; quadratics in a box of up to 2048 variables to an active-set
method. Whatever else is asked for, or any of --select, --partition, --update, --block-size, --face and
--tolerance, is put together from parts.

Exit codes: 0 converged, 1 bad input, 2 wrong usage, 3 not converged, 130 interrupted.

Examples:
  southwell descend data.npz --lambda-ratio 0.05 --out w.npy
  southwell descend heart_scale.svm --loss logistic --lambda 0.01 --json
  southwell descend data.npz --intercept --lambda-ratio 0.001 --path 100 --out path.npy --plot path.svg
  southwell descend Q.mtx --rhs c.npy --select gsq --block-size 20 --update matrix --out x.npy
  southwell descend Q.mtx --rhs c.npy --penalty box --lower 0 --upper 1
  southwell descend graph.mtx --loss labels --labelled known.npy --targets values.npy \\
    --select forest --update message-passing
  southwell descend Q.mtx --rhs c.npy --penalty lasso --share colours --device threads
  southwell descend digits.svm --loss softmax --select gs-q --block-size 20 --update prox-newton --out W.npy

Over ranks (--cluster, in a build with the feature `mpi`): the lasso with squares, from an archive or from NumPy files, by
greedy coordinates; --divide says whether features or samples are divided. The weights do not depend on the number of ranks:
  mpirun -n 4 southwell descend data.npz --cluster --divide features --out w.npy --checkpoint run.npz
  mpirun -n 2 southwell descend data.npz --cluster --divide features --out w.npy --resume run.npz")]
pub(crate) struct Arguments {
    /// Samples and targets: LIBSVM's text format (.svm, .libsvm, .txt), or a NumPy archive (.npz) with the arrays
    /// A, a row a sample, and y. Or the samples alone, as Matrix Market (.mtx) or NumPy (.npy), with --targets. Or
    /// the matrix of a quadratic or a graph (.mtx, .npy) without.
    data: PathBuf,
    /// Targets or labels for a design without: NumPy or Matrix Market.
    #[arg(long, value_name = "y.npy")]
    targets: Option<PathBuf>,
    /// How a fit is judged. Of logistic regression the labels have two values; the smaller becomes −1. Default:
    /// squares; of a matrix without --targets, quadratic.
    #[arg(long, value_enum)]
    loss: Option<Judge>,
    /// How the weights are kept small and sparse, or within bounds. Default: lasso; of quadratics, graphs and
    /// sums, none.
    #[arg(long, value_enum)]
    penalty: Option<Kind>,
    /// Weight of ½ ‖w‖² in the elastic net, a box and a simplex.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    ridge: f64,
    /// Features in a group, consecutive ones.
    #[arg(long, default_value_t = 10, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    group_size: u32,
    /// λ
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, conflicts_with = "lambda_ratio")]
    lambda: Option<f64>,
    /// λ as a share of the least λ for which all weights are zero.
    #[arg(long, value_name = "RATIO", allow_negative_numbers = true, default_value = "0.1")]
    lambda_ratio: f64,
    /// Add a constant to the fit that is not penalised (with --loss squares or logistic).
    #[arg(long)]
    intercept: bool,
    /// c of a quadratic: NumPy or Matrix Market. Default: ones.
    #[arg(long, value_name = "c.npy")]
    rhs: Option<PathBuf>,
    /// Vertices that have labels, counted from 0, in the order of --targets.
    #[arg(long, value_name = "vertices.npy")]
    labelled: Option<PathBuf>,
    /// Where Huber's loss turns linear.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    delta: f64,
    /// Least values of a box: a number, or a file with one each.
    #[arg(long, value_name = "VALUE|lo.npy", allow_hyphen_values = true, default_value = "-inf")]
    lower: String,
    /// Largest values of a box: a number, or a file with one each.
    #[arg(long, value_name = "VALUE|hi.npy", allow_hyphen_values = true, default_value = "inf")]
    upper: String,
    /// What the variables sum to: of a simplex in every block, otherwise all together, by greedy pairs.
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    sum: Option<f64>,
    /// Which block is next.
    #[arg(long, value_name = "RULE", value_parser = words::<Select>(Select::NAMES))]
    select: Option<Select>,
    /// What the rule chooses from.
    #[arg(long, value_name = "KIND", value_parser = words::<Blocks>(Blocks::NAMES))]
    partition: Option<Blocks>,
    /// How a block moves.
    #[arg(long, value_name = "KIND", value_parser = words::<Move>(Move::NAMES))]
    update: Option<Move>,
    /// Variables of a block.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    block_size: Option<u32>,
    /// When the same variables have been off their kinks for STEPS steps, these are the next block: Newton's
    /// method on the active set, with a second-order --update.
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..))]
    face: Option<u32>,
    /// Of a sparse quadratic or a graph: minimise over all variables of a colour at once, or greedily in 16 parts or
    /// COUNT, on as many threads as --device says. A step is a round of all colours, or 64 minimisations in every part.
    #[arg(long, value_name = "colours|parts|parts:COUNT", value_parser = share, conflicts_with_all = ["select", "partition", "update", "block_size", "face", "lattice", "sum", "gap"])]
    share: Option<Share>,
    /// Rows and columns of a lattice, for the partitions red-black and combs.
    #[arg(long, value_name = "ROWSxCOLUMNS", value_parser = lattice)]
    lattice: Option<(usize, usize)>,
    /// Of rules that draw.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The run has converged when the gap is GAP of the objective of w = 0; between 0 and 1. Default 1e-6. Put
    /// together from parts, a problem has a gap only where it is bounded (box, simplex, ridge).
    #[arg(long, allow_hyphen_values = true, value_parser = tolerance, conflicts_with = "tolerance")]
    gap: Option<f64>,
    /// The run has converged when the largest violation of the optimality conditions is TOLERANCE of what it was
    /// at the start; between 0 and 1. Default 1e-6 where there is no gap.
    #[arg(long, allow_hyphen_values = true, value_parser = tolerance)]
    tolerance: Option<f64>,
    /// Steps after which the run gives up. Default: 1000 with working sets, 200 with active sets, 1000000 of parts.
    #[arg(long, value_name = "STEPS")]
    max_steps: Option<u32>,
    /// Solve for COUNT values of λ from the largest sensible one down to λ, in even steps of its logarithm.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(2..))]
    path: Option<u32>,
    /// Write the weights; of a path as a matrix, a row a λ; of classes as one, a row a feature.
    #[arg(long, value_name = "w.npy")]
    pub(crate) out: Option<PathBuf>,
    /// Draw the gap or the violation against the steps; of a path the weights against λ.
    #[arg(long, value_name = "gap.svg")]
    plot: Option<PathBuf>,
    /// Print one JSON document instead of lines.
    #[arg(long)]
    pub(crate) json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Leave the design (.npy, Fortran order) in its file and read it as it is needed, for one larger than memory. For
    /// the lasso and its relatives.
    #[arg(long, requires = "targets", conflicts_with = "path")]
    pub(crate) out_of_core: bool,
    /// Mebibytes of memory for columns of the design that are used again and again.
    #[arg(long, value_name = "MIB", default_value_t = 256, requires = "out_of_core")]
    column_memory: u32,
    /// Where a run that is interrupted leaves what it takes to go on; written every ten minutes, too.
    /// Default: the file of --resume, or descend-checkpoint.npz.
    /// With --cluster there are checkpoints only where this or --resume names a file.
    #[arg(long, value_name = "RUN.npz", requires = "resumable")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Go on where the run that wrote this was interrupted, with the bits of one that was not.
    #[arg(long, value_name = "RUN.npz", requires = "resumable")]
    resume: Option<PathBuf>,
    /// Divide the problem among the ranks that mpirun started.
    #[arg(long, conflicts_with_all = ["out_of_core", "path", "plot", "intercept", "tolerance"])]
    cluster: bool,
    /// Over ranks, what is divided.
    #[arg(long, value_enum, default_value_t = Divide::Samples, requires = "cluster")]
    divide: Divide,
    /// Over ranks, a checkpoint every so many steps.
    #[arg(long, allow_negative_numbers = true, value_name = "STEPS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..), requires = "cluster")]
    checkpoint_every: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Divide {
    /// Columns; every rank holds the targets and the residuals. For more features than samples.
    Features,
    /// Rows; every rank holds the weights.
    Samples,
}

/// A word out of these, which help and errors list.
fn words<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = UnknownName> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|word| word.parse())
}

fn share(text: &str) -> Result<Share, String> {
    let parts = |count| Share::Parts(Parts { count, ..Parts::default() });
    match text {
        "colours" => Ok(Share::Colours),
        "parts" => Ok(Share::Parts(Parts::default())),
        _ => match text.strip_prefix("parts:").map(str::parse::<usize>) {
            Some(Ok(count)) if count > 0 => Ok(parts(count)),
            _ => Err("give colours, parts or parts:COUNT, as in parts:8".to_owned()),
        },
    }
}

fn lattice(text: &str) -> Result<(usize, usize), String> {
    let sides =
        text.split_once('x').and_then(|(rows, columns)| Some((rows.parse().ok()?, columns.parse().ok()?)));
    sides.ok_or_else(|| "give rows and columns, as in 50x50".to_owned())
}

impl Arguments {
    /// Whether ranks share the problem.
    pub(crate) fn is_divided(&self) -> bool {
        self.cluster
    }

    fn loss(&self) -> Judge {
        self.loss.unwrap_or(match read::is_matrix(&self.data) && self.targets.is_none() {
            true => Judge::Quadratic,
            false => Judge::Squares,
        })
    }

    /// The penalty; of what is not a regression none, unless it is asked for.
    fn kind(&self) -> Kind {
        self.penalty.unwrap_or(match self.loss() {
            Judge::Quadratic | Judge::Labels => Kind::None,
            _ if self.sum.is_some() => Kind::None,
            _ => Kind::Lasso,
        })
    }

    /// Whether parts were named.
    fn parts(&self) -> bool {
        self.select.is_some()
            || self.partition.is_some()
            || self.update.is_some()
            || self.block_size.is_some()
            || self.face.is_some()
            || self.tolerance.is_some()
            || self.sum.is_some()
            || self.share.is_some()
    }
}

#[cfg(feature = "mpi")]
impl Arguments {
    /// What runs over ranks.
    pub(crate) fn divided(&self) -> Result<southwell_std::cluster::job::lasso::Setting<'_>, String> {
        use southwell_std::cluster::job::{Size, lasso};
        if self.loss() != Judge::Squares || self.kind() != Kind::Lasso || self.parts() {
            return Err("over ranks there is the lasso with squares alone, by greedy coordinates; leave --loss, --penalty and \
                        --select and the like out"
                .to_owned());
        }
        let extension = self.data.extension().map(|word| word.to_ascii_lowercase());
        let data = match (extension.as_deref().and_then(|word| word.to_str()), &self.targets) {
            (Some("npz"), None) => lasso::Data::Archive(&self.data),
            (Some("npy"), Some(targets)) => lasso::Data::Files { samples: &self.data, targets },
            _ => {
                return Err("over ranks samples are read from a NumPy archive (.npz) with A and y, or from a NumPy matrix (.npy) \
                            with --targets"
                    .to_owned());
            }
        };
        let by = match self.divide {
            Divide::Features => lasso::By::Features,
            Divide::Samples => lasso::By::Samples,
        };
        let stop = southwell::Stop {
            max_steps: self.max_steps.unwrap_or(1_000_000),
            ..southwell::Stop::relative(self.gap.unwrap_or(1e-6))
        };
        Ok(lasso::Setting {
            data,
            by,
            lambda: self.lambda.map_or(Size::Ratio(self.lambda_ratio), Size::Given),
            stop,
            saving: crate::cluster::saving(
                self.checkpoint.as_deref(),
                self.resume.as_deref(),
                self.checkpoint_every,
            )?,
            out: self.out.as_deref(),
        })
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.cluster {
        return crate::cluster::descend(arguments);
    }
    check_outputs(arguments)?;
    let sparse = matches!(arguments.loss(), Judge::Squares | Judge::Logistic)
        && !matches!(arguments.kind(), Kind::None | Kind::Box | Kind::Simplex);
    if arguments.out_of_core {
        if !sparse || arguments.parts() {
            return Err(
                "--out-of-core: only the lasso and its relatives can leave their design in a file, without \
                        --select and the like"
                    .into(),
            );
        }
        #[cfg(any(unix, windows))]
        return out_of_core::run(arguments);
    }
    if sparse && !arguments.parts() {
        crate::device::refuse_gpu("no solver with working sets", ON_GPU)?;
        return sparse::run(arguments);
    }
    if arguments.path.is_some() {
        return Err("--path: only the lasso and its relatives have one, without --select and the like".into());
    }
    if arguments.intercept {
        return Err(
            "--intercept: only the lasso and its relatives have one, without --select and the like".into()
        );
    }
    let posed = read::smooth(arguments)?;
    if !arguments.parts()
        && arguments.kind() == Kind::Box
        && let Some(problem) = bounded::pose(arguments, &posed.smooth)?
    {
        crate::device::refuse("by active sets, with small boxes,", SHARED)?;
        let greedily = "with --select gs-q a box is minimised over greedily, or leave --device out";
        crate::device::refuse_gpu("no active sets", greedily)?;
        return bounded::run(arguments, &problem);
    }
    parts::run(arguments, posed)
}

/// What to do instead of what runs on one thread.
const SHARED: &str = "sparse quadratics and graphs run on threads with --share colours or --share parts";

/// What to do instead of what a GPU has no kernel for.
const ON_GPU: &str = "quadratics of a dense matrix (.npy) run on a GPU, by greedy variables (--select gs-q) with a lasso, elastic \
                      net, signs or bounds; leave --device out";

fn number(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Refuses places that cannot be written or must not be.
fn check_outputs(arguments: &Arguments) -> Result<(), Failure> {
    for (option, path) in
        [("--out", &arguments.out), ("--plot", &arguments.plot), ("--checkpoint", &arguments.checkpoint)]
    {
        let Some(path) = path else { continue };
        let same =
            |input: &Path| matches!((input.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
        let others = [&arguments.targets, &arguments.rhs, &arguments.labelled];
        if same(&arguments.data) || others.iter().any(|other| other.as_deref().is_some_and(same)) {
            let shown = path.display();
            return Err(format!("{option} {shown}: this is an input of the run; name another file").into());
        }
        output::check_writable(option, path)?;
    }
    Ok(())
}
