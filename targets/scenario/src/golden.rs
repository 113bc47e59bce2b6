//! What a host found: written by `cargo run --example golden -- write`, confirmed by the tests.

use crate::heat::Summary;
use crate::methods::{METHODS, Outcome};

/// What [`heat`](crate::heat) finds in `f32` with Tsallis-INF.
pub const HEAT_F32: Summary = Summary {
    rule: "tsallis",
    iterations: 249,
    converged: 48,
    iterates: 0x25ab7814bd96fb2b,
    choices: 0x5f58e2cdea37758f,
    last: [0x000000003a964521, 0x000000003bcdaa32, 0x000000003d39ea59, 0x000000003c87a7d8],
};

/// The same with the other rules.
pub const RULES_F32: [Summary; 4] = [
    Summary {
        rule: "binned",
        iterations: 253,
        converged: 48,
        iterates: 0xc7f789a85b821143,
        choices: 0xfeb9d88e32be78eb,
        last: [0x000000003a964ad1, 0x000000003bcdab0d, 0x000000003d39ea53, 0x000000003c87a798],
    },
    Summary {
        rule: "cheb",
        iterations: 241,
        converged: 48,
        iterates: 0x5aa80798df2feeef,
        choices: 0xcc2aa2e3c8c96e2b,
        last: [0x000000003a964c9b, 0x000000003bcdab97, 0x000000003d39ead1, 0x000000003c87a772],
    },
    Summary {
        rule: "unimodal",
        iterations: 239,
        converged: 48,
        iterates: 0xec5d436fddb95fc2,
        choices: 0x4a7b7f8c0df52880,
        last: [0x000000003a96471a, 0x000000003bcdaa46, 0x000000003d39ea04, 0x000000003c87a77b],
    },
    Summary {
        rule: "auto",
        iterations: 220,
        converged: 48,
        iterates: 0xa1be5e8d2db71857,
        choices: 0x80f4b7a5ebadb305,
        last: [0x000000003a964b5f, 0x000000003bcdaa7e, 0x000000003d39ea14, 0x000000003c87a6c7],
    },
];

/// What [`heat`](crate::heat) finds in `f64` with Tsallis-INF.
pub const HEAT_F64: Summary = Summary {
    rule: "tsallis",
    iterations: 385,
    converged: 48,
    iterates: 0x28ba1fdeb22ab4dd,
    choices: 0x39ceefaab638f4bf,
    last: [0x3f52c8ec6f79fdfa, 0x3f79b56faa69519d, 0x3fa73d533cc01b12, 0x3f90f4e9fbc6a681],
};

/// The same with the other rules.
pub const RULES_F64: [Summary; 4] = [
    Summary {
        rule: "binned",
        iterations: 393,
        converged: 48,
        iterates: 0xbf231b87471ade68,
        choices: 0x53e0d411299125bc,
        last: [0x3f52c8ec67d2ccff, 0x3f79b56fa703b226, 0x3fa73d533d472ff3, 0x3f90f4e9f93002a3],
    },
    Summary {
        rule: "cheb",
        iterations: 364,
        converged: 48,
        iterates: 0xdde1cbc428c81b29,
        choices: 0x2960930389c8e9c7,
        last: [0x3f52c8ec5da068e1, 0x3f79b56fa4d34d86, 0x3fa73d533e7a4089, 0x3f90f4e9f37b6a2d],
    },
    Summary {
        rule: "unimodal",
        iterations: 355,
        converged: 48,
        iterates: 0xc69005eef6aafe98,
        choices: 0x82acce03c047b905,
        last: [0x3f52c8ec73b2b31a, 0x3f79b56fa1a2c4a0, 0x3fa73d533e125e1b, 0x3f90f4e9f441de38],
    },
    Summary {
        rule: "auto",
        iterations: 336,
        converged: 48,
        iterates: 0x4f3132486ee5bd23,
        choices: 0xd7fddb92234900e7,
        last: [0x3f52c8ec645bdfcd, 0x3f79b56fa4197557, 0x3fa73d533cfb04ce, 0x3f90f4e9f2cf7849],
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
    Outcome { name: "sor plane wide forward", steps: 14, answer: 0x2a9e1dd37a88476a },
    Outcome { name: "sor plane wide backward", steps: 14, answer: 0x5ba63fbe0fc82339 },
    Outcome { name: "sor plane symmetric", steps: 8, answer: 0x933c62faf443f5f9 },
    Outcome { name: "sor plane red-black", steps: 18, answer: 0x14e5f7aa0b8944db },
    Outcome { name: "sor plane lines", steps: 6, answer: 0x07dc9de7acc27a1e },
    Outcome { name: "sor plane young", steps: 13, answer: 0x985aaa132c8c5657 },
    Outcome { name: "ssor-cg plane", steps: 5, answer: 0x331ba3a2a38b6bf8 },
    Outcome { name: "cg plane", steps: 14, answer: 0x873007a142098803 },
    Outcome { name: "sor plane by cell forward", steps: 17, answer: 0xaa3fac84c0a8afa0 },
    Outcome { name: "sor plane by cell backward", steps: 17, answer: 0x6d904e0fb6c1d3a1 },
    Outcome { name: "sor plane by cell red-black", steps: 22, answer: 0xb4dd8435d704717c },
    Outcome { name: "sor plane by cell lines", steps: 7, answer: 0xa9661bb73f647df1 },
    Outcome { name: "ssor-cg plane by cell", steps: 6, answer: 0x667fa18961daad27 },
    Outcome { name: "cg plane by cell", steps: 14, answer: 0xe2c617de9a36ff17 },
    Outcome { name: "sor space forward", steps: 12, answer: 0x06916af7e8993f24 },
    Outcome { name: "sor space symmetric", steps: 8, answer: 0x10686a646029dd9a },
    Outcome { name: "sor space red-black", steps: 15, answer: 0x10d5d57bb8420956 },
    Outcome { name: "sor space lines", steps: 6, answer: 0x72d9c099d18e4057 },
    Outcome { name: "ssor-cg space", steps: 5, answer: 0x87af9f13d0082469 },
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
    Outcome { name: "sor plane wide forward", steps: 21, answer: 0x7d2b6b51ec5fea5a },
    Outcome { name: "sor plane wide backward", steps: 21, answer: 0xbe37bd164b723efe },
    Outcome { name: "sor plane symmetric", steps: 13, answer: 0x06a5857ff2aecc90 },
    Outcome { name: "sor plane red-black", steps: 28, answer: 0x156e6b77a33f2920 },
    Outcome { name: "sor plane lines", steps: 9, answer: 0xd029970b03b641dd },
    Outcome { name: "sor plane young", steps: 18, answer: 0xaf17543bf70a2661 },
    Outcome { name: "ssor-cg plane", steps: 7, answer: 0x8e44fec74658319a },
    Outcome { name: "cg plane", steps: 21, answer: 0x2204f718bd2f8124 },
    Outcome { name: "sor plane by cell forward", steps: 26, answer: 0xcd1d199e3fbb7550 },
    Outcome { name: "sor plane by cell backward", steps: 26, answer: 0xfad48d48f3d1ff59 },
    Outcome { name: "sor plane by cell red-black", steps: 34, answer: 0x3de073c85f528ce5 },
    Outcome { name: "sor plane by cell lines", steps: 11, answer: 0xc26e000741f3edea },
    Outcome { name: "ssor-cg plane by cell", steps: 8, answer: 0x6a30f09fdf1d3000 },
    Outcome { name: "cg plane by cell", steps: 19, answer: 0xe8594edd04ba4243 },
    Outcome { name: "sor space forward", steps: 17, answer: 0x57bac398ec2254a1 },
    Outcome { name: "sor space symmetric", steps: 12, answer: 0xfd65fd8f2c58f00b },
    Outcome { name: "sor space red-black", steps: 23, answer: 0x1e3f736f0b0b36fd },
    Outcome { name: "sor space lines", steps: 10, answer: 0x314c03cab92612f0 },
    Outcome { name: "ssor-cg space", steps: 7, answer: 0xb9b3c4bf01c12dd3 },
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
