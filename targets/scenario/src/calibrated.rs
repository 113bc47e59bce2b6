//! What a host found: written by `cargo run --example calibrated -- write`, confirmed by the tests.

use crate::calibration::Calibrated;
use crate::methods::Outcome;

/// What [`least_squares`](crate::calibration::least_squares) finds in `f32`.
pub const SQUARES_F32: Calibrated = Calibrated { error: 29782, agreeing: 200, answer: 0xe5f48374dcdd0ebd };

/// What [`robust`](crate::calibration::robust) finds in `f32`.
pub const ROBUST_F32: Calibrated = Calibrated { error: 72, agreeing: 138, answer: 0x03c07dd076573dc3 };

/// What [`robust`](crate::calibration::robust) finds in `f64`.
pub const ROBUST_F64: Calibrated = Calibrated { error: 72, agreeing: 138, answer: 0xdfcdccfd6a7f1acc };

/// What [`nonsmooth`](crate::nonsmooth) finds in `f32`.
pub const NONSMOOTH_F32: &[Outcome] = &[
    Outcome { name: "quantile fit", steps: 250, answer: 0x7c8caa9e5d24fec4 },
    Outcome { name: "fit by columns", steps: 100, answer: 0x37a2711e07fd6fe2 },
    Outcome { name: "huber and refine", steps: 29, answer: 0x0f532dab86421e33 },
    Outcome { name: "geometric on a box", steps: 60, answer: 0xd544b7e321953b72 },
    Outcome { name: "diminishing on a ball", steps: 60, answer: 0xc9d336aeb946a8e2 },
    Outcome { name: "restarted on a simplex", steps: 60, answer: 0x896d3b393c0148f4 },
    Outcome { name: "polyak on an l1 ball", steps: 60, answer: 0xb42441ef492da456 },
    Outcome { name: "path level on a half-space", steps: 60, answer: 0x1c2cdfb1efccd26b },
    Outcome { name: "constant on an affine set", steps: 60, answer: 0x3f3c069ac0932dfd },
    Outcome { name: "other rules", steps: 60, answer: 0x3c331fedaf84142a },
    Outcome { name: "minimax on a cone", steps: 60, answer: 0x13bdc9f37f394794 },
    Outcome { name: "phase retrieval", steps: 60, answer: 0xfd509e99765c9f8b },
    Outcome { name: "mirror, game", steps: 40, answer: 0x9cde1f00dc785051 },
    Outcome { name: "dual averaging", steps: 40, answer: 0xc79d5fcb317279a9 },
    Outcome { name: "symmetric matrix", steps: 172, answer: 0xb8032f66a3a82457 },
    Outcome { name: "matrix", steps: 105, answer: 0x8f2adfaebe527734 },
];

/// What [`nonsmooth`](crate::nonsmooth) finds in `f64`.
pub const NONSMOOTH_F64: &[Outcome] = &[
    Outcome { name: "quantile fit", steps: 250, answer: 0xf113ea4b5adb5eeb },
    Outcome { name: "fit by columns", steps: 100, answer: 0x8b0c0307105434cc },
    Outcome { name: "huber and refine", steps: 48, answer: 0x4e32334208bb4a13 },
    Outcome { name: "geometric on a box", steps: 60, answer: 0x5c0bdb7aa6cc213c },
    Outcome { name: "diminishing on a ball", steps: 60, answer: 0xb54083bd9f02347f },
    Outcome { name: "restarted on a simplex", steps: 60, answer: 0x3eb359b8750e28c9 },
    Outcome { name: "polyak on an l1 ball", steps: 60, answer: 0xe03cdf1b622ba376 },
    Outcome { name: "path level on a half-space", steps: 60, answer: 0x54f55a3cd55e6a53 },
    Outcome { name: "constant on an affine set", steps: 60, answer: 0xf2e493c81c45b2ad },
    Outcome { name: "other rules", steps: 60, answer: 0x36ec140411ab49b9 },
    Outcome { name: "minimax on a cone", steps: 60, answer: 0x6b5a384e853c7db5 },
    Outcome { name: "phase retrieval", steps: 60, answer: 0x895d301d68094077 },
    Outcome { name: "mirror, game", steps: 40, answer: 0x2315338f971633c5 },
    Outcome { name: "dual averaging", steps: 40, answer: 0xa6dd66aa4638e332 },
    Outcome { name: "symmetric matrix", steps: 172, answer: 0xf0c6557d8aab2129 },
    Outcome { name: "matrix", steps: 105, answer: 0xfd303b461eb34a75 },
];
