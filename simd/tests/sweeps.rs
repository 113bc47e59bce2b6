//! Several sweeps at once against as many plain ones, bit for bit, on every instruction set.
#![cfg(feature = "force-level")]

mod grids;

use grids::{Numbers, Plain, bits, on_every_path};
use southwell_simd::Real;
use southwell_simd::stencil::{self, Coefficients, Grid, Star};

/// Shapes that are long enough for every form of the pass.
const LARGE: [(usize, usize, usize); 9] = [
    (1, 64, 256),
    (1, 65, 257),
    (1, 71, 300),
    (1, 128, 512),
    (1, 129, 513),
    (1, 137, 530),
    (1, 143, 600),
    (3, 16, 70),
    (5, 18, 64),
];

/// And such that are not.
const SMALL: [(usize, usize, usize); 7] =
    [(1, 100, 33), (1, 5, 200), (1, 1, 300), (1, 300, 1), (1, 8, 8), (3, 4, 20), (4, 3, 130)];

fn star<T: Real>(numbers: &mut Numbers) -> Star<T> {
    Star {
        centre: T::from_f64(4.3),
        west: numbers.next(),
        east: numbers.next(),
        south: numbers.next(),
        north: numbers.next(),
        down: numbers.next(),
        up: numbers.next(),
    }
}

/// `counts` must rise.
fn at_once<T: Real>(shapes: &[(usize, usize, usize)], counts: &[usize]) {
    let mut numbers = Numbers(11);
    let omega = T::from_f64(1.3);
    for &(planes, rows, columns) in shapes {
        let n = planes * rows * columns;
        let grid = Grid { planes, rows, columns, coefficients: Coefficients::Constant(star(&mut numbers)) };
        let (x, b) = (numbers.vector::<T>(n), numbers.vector::<T>(n));
        for reversed in [false, true] {
            let (mut plain, mut plain_colours, mut swept) = (x.clone(), x.clone(), 0);
            for &count in counts {
                for _ in swept..count {
                    Plain { grid }.sor(reversed, omega, &b, &mut plain);
                    Plain { grid }.red_black(reversed, omega, &b, &mut plain_colours);
                }
                swept = count;
                on_every_path(|path| {
                    let mut colours = x.clone();
                    stencil::red_black_sweeps(grid, reversed, omega, &[], &b, &mut colours, count);
                    let mut fast = x.clone();
                    stencil::sor_sweeps(grid, reversed, omega, &[], &b, &mut fast, count);
                    let name = format!("{planes}x{rows}x{columns} {path} {count} reversed: {reversed}");
                    assert_eq!(bits(&fast), bits(&plain), "{name}");
                    assert_eq!(bits(&colours), bits(&plain_colours), "red-black {name}");
                });
            }
        }
    }
}

#[test]
fn several_sweeps_at_once_are_as_many_plain_ones() {
    // Miri takes a shape with a whole window and a part of one, and one in three dimensions.
    let (shapes, counts) = if cfg!(miri) {
        (&[(1, 3, 70), (3, 4, 7)][..], &[2][..])
    } else {
        (&SMALL[..], &[0, 1, 2, 3, 4, 5, 9][..])
    };
    at_once::<f64>(shapes, counts);
    at_once::<f32>(shapes, counts);
}

#[test]
#[cfg_attr(miri, ignore = "the same code as for small grids")]
fn and_so_they_are_on_large_grids() {
    at_once::<f64>(&LARGE, &[0, 1, 2, 3, 4, 5, 9]);
    at_once::<f32>(&LARGE, &[0, 1, 2, 3, 4, 5, 9]);
}
