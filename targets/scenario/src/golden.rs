//! What a host found: written by `cargo run --example golden -- write`, confirmed by the tests.

use crate::association::Associated;
use crate::heat::Summary;
use crate::methods::{METHODS, Outcome};

/// What [`heat`](crate::heat) finds in `f32` with Tsallis-INF, by SSOR-CG and by SOR.
pub const HEAT_F32: [Summary; 2] = [
    Summary {
        rule: "tsallis",
        iterations: 249,
        converged: 48,
        iterates: 0xd33670027d50fcfa,
        choices: 0x5f58e2cdea37758f,
        last: [0x000000003a964529, 0x000000003bcdaa36, 0x000000003d39ea5a, 0x000000003c87a7d9],
    },
    Summary {
        rule: "tsallis, SOR",
        iterations: 768,
        converged: 48,
        iterates: 0x2004373351cb5edc,
        choices: 0x8c2d1c5a9a6557ae,
        last: [0x000000003a9631ea, 0x000000003bcd9cf6, 0x000000003d39e933, 0x000000003c87a6d1],
    },
];

/// The same with the other rules.
pub const RULES_F32: [Summary; 4] = [
    Summary {
        rule: "binned",
        iterations: 253,
        converged: 48,
        iterates: 0x5660a673a34ac395,
        choices: 0xfeb9d88e32be78eb,
        last: [0x000000003a964ad1, 0x000000003bcdab06, 0x000000003d39ea53, 0x000000003c87a795],
    },
    Summary {
        rule: "cheb",
        iterations: 241,
        converged: 48,
        iterates: 0x221abebd2d587345,
        choices: 0xcc2aa2e3c8c96e2b,
        last: [0x000000003a964c9c, 0x000000003bcdab9e, 0x000000003d39ead2, 0x000000003c87a773],
    },
    Summary {
        rule: "unimodal",
        iterations: 238,
        converged: 48,
        iterates: 0x5bb458ff36c013ee,
        choices: 0x6b6d54b70a2ee64d,
        last: [0x000000003a9646be, 0x000000003bcda9e4, 0x000000003d39e9d7, 0x000000003c87a771],
    },
    Summary {
        rule: "auto",
        iterations: 220,
        converged: 48,
        iterates: 0x9e12365cf951fecd,
        choices: 0x80f4b7a5ebadb305,
        last: [0x000000003a964b70, 0x000000003bcdaa83, 0x000000003d39ea15, 0x000000003c87a6c4],
    },
];

/// What [`heat`](crate::heat) finds in `f64` with Tsallis-INF, by SSOR-CG and by SOR.
pub const HEAT_F64: [Summary; 2] = [
    Summary {
        rule: "tsallis",
        iterations: 385,
        converged: 48,
        iterates: 0x872710c26d6150de,
        choices: 0x39ceefaab638f4bf,
        last: [0x3f52c8ec6f79fdf5, 0x3f79b56faa695194, 0x3fa73d533cc01b12, 0x3f90f4e9fbc6a67e],
    },
    Summary {
        rule: "tsallis, SOR",
        iterations: 1396,
        converged: 48,
        iterates: 0x95b54c64657f48ba,
        choices: 0x7c2c80d8d547781f,
        last: [0x3f52c8ea8c09a618, 0x3f79b56f144a888d, 0x3fa73d533d223fe4, 0x3f90f4e9efaf8b18],
    },
];

/// The same with the other rules.
pub const RULES_F64: [Summary; 4] = [
    Summary {
        rule: "binned",
        iterations: 393,
        converged: 48,
        iterates: 0xe8e9a70ab4ae5d56,
        choices: 0x53e0d411299125bc,
        last: [0x3f52c8ec67d2ccf5, 0x3f79b56fa703b226, 0x3fa73d533d472ff4, 0x3f90f4e9f93002a9],
    },
    Summary {
        rule: "cheb",
        iterations: 364,
        converged: 48,
        iterates: 0x7facf4d11e90544d,
        choices: 0x2960930389c8e9c7,
        last: [0x3f52c8ec5da068e4, 0x3f79b56fa4d34d88, 0x3fa73d533e7a408b, 0x3f90f4e9f37b6a30],
    },
    Summary {
        rule: "unimodal",
        iterations: 355,
        converged: 48,
        iterates: 0xa99ad2a9e7c44f2e,
        choices: 0x82acce03c047b905,
        last: [0x3f52c8ec73b2b31e, 0x3f79b56fa1a2c49e, 0x3fa73d533e125e1c, 0x3f90f4e9f441de38],
    },
    Summary {
        rule: "auto",
        iterations: 336,
        converged: 48,
        iterates: 0x3969d6055a922739,
        choices: 0xd7fddb92234900e7,
        last: [0x3f52c8ec645bdfdd, 0x3f79b56fa419755e, 0x3fa73d533cfb04d3, 0x3f90f4e9f2cf784c],
    },
];

/// What [`methods`](crate::methods) finds in `f32`.
pub const METHODS_F32: [Outcome; METHODS] = [
    Outcome { name: "sor csr forward", steps: 17, answer: 0x64587142c27ffebc },
    Outcome { name: "sor csr backward", steps: 17, answer: 0xb1f5d4e31c07beba },
    Outcome { name: "sor csr symmetric", steps: 11, answer: 0x918310f8b8f49958 },
    Outcome { name: "sor csr multicolour", steps: 16, answer: 0x057ddb3a6f841bce },
    Outcome { name: "sor csr red-black by hand", steps: 16, answer: 0xe288e884a50a6874 },
    Outcome { name: "sor csr blocks", steps: 9, answer: 0x774f5cf73294c7c8 },
    Outcome { name: "sor csr young", steps: 13, answer: 0xd42c050cdfa7fbc8 },
    Outcome { name: "ssor-cg csr", steps: 6, answer: 0xd0d961ab4dca052a },
    Outcome { name: "cg csr", steps: 14, answer: 0xac7b96bbf1446ec3 },
    Outcome { name: "sor plane wide forward", steps: 14, answer: 0x04526a26c47b0b3b },
    Outcome { name: "sor plane wide backward", steps: 14, answer: 0xe17c34e6b7faf1d6 },
    Outcome { name: "sor plane symmetric", steps: 8, answer: 0x1917ed870d48abbf },
    Outcome { name: "sor plane red-black", steps: 18, answer: 0x14e5f7aa0b8944db },
    Outcome { name: "sor plane lines", steps: 6, answer: 0x07dc9de7acc27a1e },
    Outcome { name: "sor plane young", steps: 13, answer: 0x9f64452ba4ecdc56 },
    Outcome { name: "ssor-cg plane", steps: 5, answer: 0x63be0b2cc864a575 },
    Outcome { name: "cg plane", steps: 14, answer: 0x873007a142098803 },
    Outcome { name: "sor plane by cell forward", steps: 17, answer: 0xaa3fac84c0a8afa0 },
    Outcome { name: "sor plane by cell backward", steps: 17, answer: 0x6d904e0fb6c1d3a1 },
    Outcome { name: "sor plane by cell red-black", steps: 22, answer: 0xb4dd8435d704717c },
    Outcome { name: "sor plane by cell lines", steps: 7, answer: 0xa9661bb73f647df1 },
    Outcome { name: "ssor-cg plane by cell", steps: 6, answer: 0x667fa18961daad27 },
    Outcome { name: "cg plane by cell", steps: 14, answer: 0xe2c617de9a36ff17 },
    Outcome { name: "sor space forward", steps: 12, answer: 0x60832184542be30d },
    Outcome { name: "sor space symmetric", steps: 8, answer: 0x576726b42c14591f },
    Outcome { name: "sor space red-black", steps: 15, answer: 0x10d5d57bb8420956 },
    Outcome { name: "sor space lines", steps: 6, answer: 0x72d9c099d18e4057 },
    Outcome { name: "ssor-cg space", steps: 5, answer: 0xf1657ca57cc405f3 },
    Outcome { name: "cg space", steps: 12, answer: 0x0642670ca67a8a2a },
    Outcome { name: "sor space by cell symmetric", steps: 9, answer: 0x66d0e4975cc25983 },
    Outcome { name: "sor space by cell red-black", steps: 16, answer: 0x3965afd0ae1fe6b6 },
    Outcome { name: "sor space by cell lines", steps: 7, answer: 0x564cbe021c7947c7 },
    Outcome { name: "ssor-cg space by cell", steps: 5, answer: 0xddf02738c4c223db },
    Outcome { name: "sor dense forward", steps: 13, answer: 0x280f31c9a4a9c665 },
    Outcome { name: "sor dense symmetric", steps: 9, answer: 0x29f4e60de4fc723e },
    Outcome { name: "sor dense young", steps: 10, answer: 0x3c04461a6198ba96 },
    Outcome { name: "ssor-cg dense", steps: 5, answer: 0x82841ece46b05143 },
    Outcome { name: "cg dense", steps: 11, answer: 0x523101c701e627ed },
    Outcome { name: "what errors say", steps: 9, answer: 0x0000000000000000 },
];

/// What [`methods`](crate::methods) finds in `f64`.
pub const METHODS_F64: [Outcome; METHODS] = [
    Outcome { name: "sor csr forward", steps: 26, answer: 0x376c12defb8d219a },
    Outcome { name: "sor csr backward", steps: 26, answer: 0x8b9f3e03500714a8 },
    Outcome { name: "sor csr symmetric", steps: 17, answer: 0xc02ff8fd14bdf200 },
    Outcome { name: "sor csr multicolour", steps: 25, answer: 0x232dcf564d96a42a },
    Outcome { name: "sor csr red-black by hand", steps: 25, answer: 0x741fddda2036ea1a },
    Outcome { name: "sor csr blocks", steps: 15, answer: 0x1ef36cede8deb8d5 },
    Outcome { name: "sor csr young", steps: 17, answer: 0xbcd1c5dbf9e9b2fa },
    Outcome { name: "ssor-cg csr", steps: 8, answer: 0x25a91789f92b45b2 },
    Outcome { name: "cg csr", steps: 19, answer: 0x1306ec9e8b685380 },
    Outcome { name: "sor plane wide forward", steps: 21, answer: 0x5fbeca2b0ee1998c },
    Outcome { name: "sor plane wide backward", steps: 21, answer: 0xd7badcc8c4babaef },
    Outcome { name: "sor plane symmetric", steps: 13, answer: 0xd82a11174cf0d00b },
    Outcome { name: "sor plane red-black", steps: 28, answer: 0x156e6b77a33f2920 },
    Outcome { name: "sor plane lines", steps: 9, answer: 0xd029970b03b641dd },
    Outcome { name: "sor plane young", steps: 18, answer: 0x55838dec65cc8a38 },
    Outcome { name: "ssor-cg plane", steps: 7, answer: 0xdf6e711a5076eb91 },
    Outcome { name: "cg plane", steps: 21, answer: 0x2204f718bd2f8124 },
    Outcome { name: "sor plane by cell forward", steps: 26, answer: 0xcd1d199e3fbb7550 },
    Outcome { name: "sor plane by cell backward", steps: 26, answer: 0xfad48d48f3d1ff59 },
    Outcome { name: "sor plane by cell red-black", steps: 34, answer: 0x3de073c85f528ce5 },
    Outcome { name: "sor plane by cell lines", steps: 11, answer: 0xc26e000741f3edea },
    Outcome { name: "ssor-cg plane by cell", steps: 8, answer: 0x6a30f09fdf1d3000 },
    Outcome { name: "cg plane by cell", steps: 19, answer: 0xe8594edd04ba4243 },
    Outcome { name: "sor space forward", steps: 17, answer: 0x595eb90a43b632ac },
    Outcome { name: "sor space symmetric", steps: 12, answer: 0x3d2cef3850c940a4 },
    Outcome { name: "sor space red-black", steps: 23, answer: 0x1e3f736f0b0b36fd },
    Outcome { name: "sor space lines", steps: 10, answer: 0x314c03cab92612f0 },
    Outcome { name: "ssor-cg space", steps: 7, answer: 0x428206934eb43c16 },
    Outcome { name: "cg space", steps: 17, answer: 0x9764f229bb54d952 },
    Outcome { name: "sor space by cell symmetric", steps: 13, answer: 0xa742427a1391f2f8 },
    Outcome { name: "sor space by cell red-black", steps: 24, answer: 0x2158a3730feaec7d },
    Outcome { name: "sor space by cell lines", steps: 11, answer: 0x65c8e866d9085bfa },
    Outcome { name: "ssor-cg space by cell", steps: 8, answer: 0x82e84866c8d448ca },
    Outcome { name: "sor dense forward", steps: 19, answer: 0x9eb8fe38c2cfafbb },
    Outcome { name: "sor dense symmetric", steps: 13, answer: 0x30f7edb697f004ed },
    Outcome { name: "sor dense young", steps: 14, answer: 0x42f95280e00a86ba },
    Outcome { name: "ssor-cg dense", steps: 8, answer: 0x405f9905cb92fd71 },
    Outcome { name: "cg dense", steps: 15, answer: 0x7b39d90d063c3966 },
    Outcome { name: "what errors say", steps: 9, answer: 0x0000000000000000 },
];

/// What [`association`](crate::association) finds in `f32`.
pub const ASSOCIATION_F32: Associated = Associated { steps: 17, right: 16, potentials: 0x824aeb2d53568d3b };

/// What [`association`](crate::association) finds in `f64`.
pub const ASSOCIATION_F64: Associated = Associated { steps: 17, right: 16, potentials: 0x59f2651d7c43f711 };

/// What [`couplings`](crate::couplings) finds in `f32`.
pub const COUPLINGS_F32: &[Outcome] = &[
    Outcome { name: "sinkhorn", steps: 107, answer: 0xceeee6030682eac4 },
    Outcome { name: "sinkhorn on a stored kernel", steps: 417, answer: 0xe4c3de12b72f463a },
    Outcome { name: "newton", steps: 15, answer: 0x910b45c0587b32ba },
    Outcome { name: "auto", steps: 33, answer: 0xb8792639acc2b443 },
    Outcome { name: "greenkhorn", steps: 545, answer: 0x93626e53d9e717f4 },
    Outcome { name: "symmetric", steps: 1, answer: 0xf1660eac844b3bfd },
    Outcome { name: "unbalanced", steps: 129, answer: 0xf6ba0e513e919997 },
    Outcome { name: "points", steps: 61, answer: 0x82c2b1156de8bf53 },
    Outcome { name: "barycentre", steps: 40, answer: 0x2e55b31a098dd6ba },
    Outcome { name: "sinkhorn-knopp", steps: 3, answer: 0x7c80626e36344b47 },
    Outcome { name: "sinkhorn-knopp on sparse rows", steps: 52, answer: 0x9428e8ab9f815983 },
    Outcome { name: "one scaling", steps: 18, answer: 0x570ff62319100d19 },
    Outcome { name: "ruiz", steps: 165, answer: 0x89b65a81aca9b16d },
];

/// What [`couplings`](crate::couplings) finds in `f64`.
pub const COUPLINGS_F64: &[Outcome] = &[
    Outcome { name: "sinkhorn", steps: 107, answer: 0x848764d052deb823 },
    Outcome { name: "sinkhorn on a stored kernel", steps: 417, answer: 0xbaa87a20bb1e31a6 },
    Outcome { name: "newton", steps: 15, answer: 0x14c8f8af0abaa954 },
    Outcome { name: "auto", steps: 33, answer: 0xb318bae0c0eb1882 },
    Outcome { name: "greenkhorn", steps: 547, answer: 0x53f9b9fb6a59929a },
    Outcome { name: "symmetric", steps: 1, answer: 0x7654f0fde9c5cb1d },
    Outcome { name: "unbalanced", steps: 129, answer: 0x2c300ea14d13e8ea },
    Outcome { name: "points", steps: 61, answer: 0x9c4723891749f77f },
    Outcome { name: "barycentre", steps: 40, answer: 0x8a0d6d42787728e4 },
    Outcome { name: "sinkhorn-knopp", steps: 3, answer: 0xbb03d4f4c4604c78 },
    Outcome { name: "sinkhorn-knopp on sparse rows", steps: 52, answer: 0xf1a43885dd9506d3 },
    Outcome { name: "one scaling", steps: 18, answer: 0x28cf52fe03513551 },
    Outcome { name: "ruiz", steps: 165, answer: 0xc70889fe945e9c39 },
];

/// What [`mpc`](crate::mpc) finds in `f32`.
pub const MPC_F32: [Outcome; 8] = [
    Outcome { name: "cart, 10 stages", steps: 11, answer: 0x0ebe3af2d4e896e1 },
    Outcome { name: "cart, 20 stages", steps: 24, answer: 0x75dc59b7aae216ab },
    Outcome { name: "quadrotor, near", steps: 15, answer: 0x6d6bbd70b7e931f3 },
    Outcome { name: "quadrotor, far", steps: 14, answer: 0x117ad01576d174ac },
    Outcome { name: "cart, 10 stages, prepared", steps: 11, answer: 0xfabfff22e88d786f },
    Outcome { name: "cart, 20 stages, prepared", steps: 24, answer: 0x6abb628ec1a3a7b4 },
    Outcome { name: "quadrotor, near, prepared", steps: 12, answer: 0x10ec0c6a2f1d4767 },
    Outcome { name: "quadrotor, far, prepared", steps: 12, answer: 0x2e7727ef9666865c },
];

/// What [`mpc`](crate::mpc) finds in `f64`.
pub const MPC_F64: [Outcome; 8] = [
    Outcome { name: "cart, 10 stages", steps: 11, answer: 0x55f2d808f893e681 },
    Outcome { name: "cart, 20 stages", steps: 24, answer: 0xffa6b129a971715e },
    Outcome { name: "quadrotor, near", steps: 15, answer: 0x4726008a78017e50 },
    Outcome { name: "quadrotor, far", steps: 14, answer: 0x03b3a7f57c36ab8f },
    Outcome { name: "cart, 10 stages, prepared", steps: 11, answer: 0xbc4c2f49bd82bdc7 },
    Outcome { name: "cart, 20 stages, prepared", steps: 24, answer: 0xe6631bcaa9bae8ac },
    Outcome { name: "quadrotor, near, prepared", steps: 15, answer: 0x41670a31edd4d27f },
    Outcome { name: "quadrotor, far, prepared", steps: 14, answer: 0xb25d2963f8805500 },
];

/// What [`descent`](crate::descent) finds in `f32`.
pub const DESCENT_F32: &[Outcome] = &[
    Outcome { name: "lasso, best variable", steps: 84, answer: 0x67318df06a2336b1 },
    Outcome { name: "lasso, sparse columns, in turn", steps: 198, answer: 0x30321e76eaa4cd90 },
    Outcome { name: "elastic net, shuffled, prox-Newton", steps: 97, answer: 0xbf76ce637ac217fc },
    Outcome { name: "non-negative, best three, two-metric", steps: 7, answer: 0x51fcd0173bcdadbb },
    Outcome { name: "interval, tournament, face, gap", steps: 28, answer: 0xbd7cb79f09acaf0d },
    Outcome { name: "group, best block", steps: 130, answer: 0xc9ef77d30e8cc555 },
    Outcome { name: "simplex, backtracking", steps: 80, answer: 0x627034c63a4faeca },
    Outcome { name: "logistic, best exact block, Newton", steps: 34, answer: 0x0504c56fd723e437 },
    Outcome { name: "softmax, hard threshold, matrix", steps: 24, answer: 0x3ce2ef0bb3b657b2 },
    Outcome { name: "Huber, random variables", steps: 102, answer: 0x22c0e494a86da65f },
    Outcome { name: "dense quadratic, drawn by curvature", steps: 44, answer: 0xe9ddfcdf40359ad0 },
    Outcome { name: "pairs", steps: 25, answer: 0xc04241a979767315 },
    Outcome { name: "labels, best forest", steps: 23, answer: 0xfeecbd16caaa82f9 },
    Outcome { name: "labels, trees in turn", steps: 38, answer: 0x796f4fb439580947 },
    Outcome { name: "labels, colours and random forests", steps: 118, answer: 0x37d4412be133167c },
    Outcome { name: "labels, red-black and combs", steps: 88, answer: 0xabe549f6195b005f },
    Outcome { name: "lasso by working sets", steps: 3, answer: 0x68d38872430912a8 },
    Outcome { name: "groups, and sweeps", steps: 4, answer: 0xa02cced44f2da418 },
    Outcome { name: "labels by working sets", steps: 3, answer: 0xf11d0fbbc545f4fc },
];

/// What [`descent`](crate::descent) finds in `f64`.
pub const DESCENT_F64: &[Outcome] = &[
    Outcome { name: "lasso, best variable", steps: 84, answer: 0x477584c6eb68edec },
    Outcome { name: "lasso, sparse columns, in turn", steps: 198, answer: 0x34267829fd792b67 },
    Outcome { name: "elastic net, shuffled, prox-Newton", steps: 97, answer: 0xf949a7211e636f15 },
    Outcome { name: "non-negative, best three, two-metric", steps: 7, answer: 0xf3fe03cb61830d8c },
    Outcome { name: "interval, tournament, face, gap", steps: 28, answer: 0x34676c6db997ba9a },
    Outcome { name: "group, best block", steps: 130, answer: 0x87a9538c487b0ee0 },
    Outcome { name: "simplex, backtracking", steps: 80, answer: 0x135bd0d08e27586e },
    Outcome { name: "logistic, best exact block, Newton", steps: 34, answer: 0x75bcab6552f95cc5 },
    Outcome { name: "softmax, hard threshold, matrix", steps: 24, answer: 0x7c0a6075afbe235c },
    Outcome { name: "Huber, random variables", steps: 102, answer: 0x9c3df24378f10d64 },
    Outcome { name: "dense quadratic, drawn by curvature", steps: 44, answer: 0xe540278f807b8938 },
    Outcome { name: "pairs", steps: 20, answer: 0x2586010fd64dfb19 },
    Outcome { name: "labels, best forest", steps: 24, answer: 0x9f968085a8845b78 },
    Outcome { name: "labels, trees in turn", steps: 38, answer: 0xb0993926c2d40057 },
    Outcome { name: "labels, colours and random forests", steps: 118, answer: 0x189087a2353cccdb },
    Outcome { name: "labels, red-black and combs", steps: 88, answer: 0x71001925dfdf997f },
    Outcome { name: "lasso by working sets", steps: 4, answer: 0x8b7b4bf8b28865f9 },
    Outcome { name: "groups, and sweeps", steps: 4, answer: 0x9660264754182c37 },
    Outcome { name: "labels by working sets", steps: 3, answer: 0xc06a9d55c65a8849 },
];
