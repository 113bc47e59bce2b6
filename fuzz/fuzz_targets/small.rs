//! What parts without an operating system build on: kernels of small dense matrices, a matrix that is put together entry
//! by entry, memory of fixed size, and random numbers that have addresses.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::fixed::{FixedCsr, Storage};
use southwell::linear::small::{apply, apply_fixed, factorise, substitute, substitute_fixed};
use southwell::linear::{Dense, Matrix};
use southwell::subgradient::counter::{draw, fill_normal, fill_signs, normal, sign, stream, uniform};
use southwell::{Error, Real, StructureFault};
use southwell_fuzz::{Number, bits, cycled, number_bits};
use southwell_simd::{Level, force_level};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    what: u8,
    order: u8,
    wild: bool,
    entries: Vec<Number>,
    places: Vec<(u8, u8)>,
    key: u64,
    from: u64,
    len: u8,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

fn check<T: Real>(input: &Input) {
    match input.what % 4 {
        0 => match input.order % 8 {
            0 => kernels::<T, 1>(input),
            1 => kernels::<T, 2>(input),
            2 => kernels::<T, 3>(input),
            3 => kernels::<T, 4>(input),
            4 => kernels::<T, 6>(input),
            5 => kernels::<T, 9>(input),
            6 => kernels::<T, 12>(input),
            _ => kernels::<T, 16>(input),
        },
        1 => assembled::<T>(input),
        2 => memory::<T>(input),
        _ => draws::<T>(input),
    }
}

fn number<T: Real>(input: &Input, k: usize) -> T {
    let number = cycled(&input.entries, k);
    if input.wild { number.wild() } else { number.tame() }
}

/// A constant order has the bits of any order, products those of a dense view; what was factorised solves.
fn kernels<T: Real, const N: usize>(input: &Input) {
    let mut a = [[T::ZERO; N]; N];
    for (i, row) in a.iter_mut().enumerate() {
        for (j, entry) in row.iter_mut().enumerate() {
            *entry = number(input, i.min(j) * N + i.max(j));
        }
    }
    if !input.wild {
        for i in 0..N {
            let sum = a[i].iter().fold(T::HALF, |sum, a| sum + a.abs());
            a[i][i] = sum + a[i][i].abs();
        }
    }
    let x: [T; N] = std::array::from_fn(|k| number(input, k + 5));
    let mut y = [T::NAN; N];
    apply(a.as_flattened(), &x, &mut y);
    assert_eq!(bits(&apply_fixed(&a, &x)), bits(&y));
    if let Ok(view) = Dense::new(a.as_flattened(), N, N) {
        let mut of_view = [T::NAN; N];
        view.apply(&x, &mut of_view);
        assert_eq!(bits(&of_view), bits(&y));
    }
    let mut factors = a;
    let sound = factorise(factors.as_flattened_mut(), N);
    let (mut one, mut other) = (y, y);
    substitute(factors.as_flattened(), &mut one);
    substitute_fixed(&factors, &mut other);
    assert_eq!(bits(&one), bits(&other));
    force_level(Some(Level::Scalar));
    let (mut scalar, mut again, mut solved) = ([T::ZERO; N], a, y);
    apply(a.as_flattened(), &x, &mut scalar);
    assert_eq!(factorise(again.as_flattened_mut(), N), sound);
    substitute(again.as_flattened(), &mut solved);
    force_level(None);
    assert_eq!(bits(&scalar), bits(&y));
    assert_eq!((bits(again.as_flattened()), bits(&solved)), (bits(factors.as_flattened()), bits(&one)));
    if input.wild {
        return;
    }
    // The diagonal outweighs its row by a half: ‖A⁻¹‖ is at most 2, and elimination without pivots is stable.
    assert!(sound);
    for (i, row) in a.iter().enumerate().skip(1) {
        assert!(
            (0..i).all(|j| number_bits(factors[i][j]) == number_bits(row[j])),
            "the lower half is left as it is"
        );
    }
    let largest = a.as_flattened().iter().fold(0.0_f64, |m, a| m.max(a.abs().to_f64()));
    let size = largest * x.iter().fold(0.0_f64, |m, x| m.max(x.abs().to_f64())) * N as f64;
    let bound = 2.0 * 16.0 * (N * N) as f64 * T::EPSILON.to_f64() * size;
    for (one, x) in one.iter().zip(&x) {
        assert!((one.to_f64() - x.to_f64()).abs() <= bound, "{one:?} and {x:?} ± {bound}");
    }
}

const ROWS: usize = 7;
const ENTRIES: usize = 20;

/// Entries in any order make the rows that a plain table has; what is refused changes nothing.
fn assembled<T: Real>(input: &Input) {
    let order = usize::from(input.order % 9);
    let made = FixedCsr::<T, { ROWS + 1 }, ENTRIES>::new(order);
    let Ok(mut matrix) = made else {
        assert!(order > ROWS);
        assert_eq!(made.err(), Some(Error::Workspace { needed: order + 1, given: ROWS + 1 }));
        return;
    };
    let mut plain: Vec<Vec<(u32, T)>> = vec![vec![]; order];
    for (k, &(row, column)) in input.places.iter().take(64).enumerate() {
        let (row, column, value) = (usize::from(row % 9), usize::from(column % 9), number::<T>(input, k));
        let stored: usize = plain.iter().map(Vec::len).sum();
        let outside =
            |argument, index| Error::Structure { argument, index, fault: StructureFault::OutOfRange };
        let expected = match plain.get_mut(row) {
            None => Err(outside("row", row)),
            Some(_) if column >= order => Err(outside("column", column)),
            Some(_) if !value.is_finite() => Err(Error::Value { argument: "value", index: 0 }),
            Some(line) => match line.binary_search_by_key(&(column as u32), |entry| entry.0) {
                Ok(at) => {
                    line[at].1 += value;
                    Ok(())
                }
                Err(_) if stored == ENTRIES => Err(Error::Workspace { needed: ENTRIES + 1, given: ENTRIES }),
                Err(at) => {
                    line.insert(at, (column as u32, value));
                    Ok(())
                }
            },
        };
        assert_eq!(matrix.add(row, column, value), expected);
    }
    let whole = plain.iter().flatten().all(|entry| entry.1.is_finite());
    assert_eq!((matrix.order(), matrix.entries()), (order, plain.iter().map(Vec::len).sum()));
    match matrix.view() {
        Ok(view) => {
            assert!(whole);
            for (i, line) in plain.iter().enumerate() {
                let (columns, values) = view.row(i);
                let (theirs, numbers): (Vec<u32>, Vec<T>) = line.iter().copied().unzip();
                assert_eq!((columns, bits(values)), (&theirs[..], bits(&numbers)));
            }
        }
        Err(error) => assert!(matches!(error, Error::Value { .. }) && !whole, "{error:?}"),
    }
    let entries = matrix.entries();
    matrix.zero();
    let view = matrix.view().expect("zeros");
    assert!(
        view.entries() == entries
            && plain.iter().enumerate().all(|(i, line)| view.row(i).0.len() == line.len())
    );
    matrix.clear();
    assert_eq!((matrix.order(), matrix.entries()), (order, 0));
}

/// Memory is handed out as far as there is some, and keeps what was written.
fn memory<T: Real + Default>(input: &Input) {
    const CAPACITY: usize = 24;
    let mut storage = Storage::<T, CAPACITY>::new();
    let (mut peak, mut plain) = (0, [T::ZERO; CAPACITY]);
    for (k, &(len, at)) in input.places.iter().take(32).enumerate() {
        let len = usize::from(len % 32);
        match storage.prepare(len) {
            Ok(memory) => {
                assert!(len <= CAPACITY && bits(memory) == bits(&plain[..len]));
                peak = peak.max(len);
                if let Some(place) = memory.get_mut(usize::from(at)) {
                    *place = number(input, k);
                    plain[usize::from(at)] = *place;
                }
            }
            Err(error) => {
                assert!(len > CAPACITY);
                assert_eq!(error, Error::Workspace { needed: len, given: CAPACITY });
                // What there is has been taken all the same.
                peak = storage.peak();
            }
        }
        assert_eq!(storage.peak(), peak);
    }
}

/// A run of numbers is its numbers, wherever it begins.
fn draws<T: Real>(input: &Input) {
    let len = usize::from(input.len);
    let key = stream(input.key, u64::from(input.order));
    let (mut normals, mut signs) = (vec![T::NAN; len], vec![T::NAN; len]);
    fill_normal(key, input.from, &mut normals);
    fill_signs(key, input.from, &mut signs);
    for (k, (a, b)) in normals.iter().zip(&signs).enumerate() {
        let n = input.from.wrapping_add(k as u64);
        assert_eq!(number_bits(*a), number_bits(T::from_f64(normal(key, n))));
        assert!(a.is_finite() && a.abs() < T::from_f64(9.0));
        assert_eq!(*b, sign(key, n));
        let u = uniform(key, n);
        assert!((0.0..1.0).contains(&u) && u == (draw(key, n) >> 11) as f64 / 2_f64.powi(53));
    }
}
