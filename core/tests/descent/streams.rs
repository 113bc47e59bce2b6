//! The random streams and the data sets against their check values.

use crate::common::streams::{Graph, normal, set_a, set_b, set_c, set_d, set_e, subset, uniform, word};
use southwell::descent::losses::{
    LeastSquares, Logistic, Loss, Quadratic, Softmax, label_propagation, label_propagation_len,
};
use southwell::linear::{Columns, Csr, Matrix};

fn near(value: f64, expected: f64, digits: f64) {
    assert!((value - expected).abs() <= digits * expected.abs(), "{value} {expected}");
}

#[test]
fn streams() {
    assert_eq!(
        [0, 1, 2].map(|k| word(1, k)),
        [0x910a_2dec_8902_5cc1, 0xbeeb_8da1_658e_ec67, 0xf893_a2ee_fb32_555e]
    );
    for (k, expected) in [0.566_561_58, 0.745_781_76, 0.971_002_75].into_iter().enumerate() {
        near(uniform(1, k), expected, 1e-7);
    }
    for (k, expected) in [-0.034_267_32, -1.292_608_53, -2.500_067_49, 0.911_466_59].into_iter().enumerate() {
        near(normal(1, k), expected, 1e-6);
    }
    assert_eq!(subset(1, 10, 4), [5, 7, 9, 6]);
}

#[test]
fn designs() {
    let (x, y) = set_a(200, 1000);
    assert_eq!(x.nonzeros(), 52864);
    near(x.values.iter().map(|v| v * v).sum(), 1.064_078_790_7e7, 1e-10);
    let view = Columns::new(&x.values, 200, 1000).expect("a design");
    let loss = LeastSquares::new(view, &y).expect("a loss");
    let mut state = vec![f64::NAN; loss.state_len()];
    loss.begin(&vec![0.0; 1000], &mut state);
    near(loss.value(&[], &state), 328_101.814_307, 1e-11);
    let lipschitz: Vec<f64> = (0..1000).map(|i| loss.lipschitz(i)).collect();
    near(lipschitz.iter().copied().fold(f64::INFINITY, f64::min), 3.3701e-3, 1e-4);
    near(lipschitz.iter().copied().fold(0.0, f64::max), 9.933_54e4, 1e-5);

    let (x, y) = set_b(200, 1000);
    assert_eq!((x.nonzeros(), y.iter().filter(|y| **y > 0.0).count()), (52667, 80));
    near(x.values.iter().map(|v| v * v).sum(), 9.759_737_081_7e6, 1e-10);
    let view = Columns::new(&x.values, 200, 1000).expect("a design");
    let loss = Logistic::new(view, &y).expect("a loss");
    let mut state = vec![f64::NAN; loss.state_len()];
    loss.begin(&vec![0.0; 1000], &mut state);
    near(loss.value(&[], &state), 200.0 * 2.0_f64.ln(), 1e-14);

    let (x, y) = set_c(200, 200, 10);
    assert_eq!(x.nonzeros(), 10805);
    let counts: Vec<usize> = (0..10).map(|c| y.iter().filter(|y| **y == c).count()).collect();
    assert_eq!(counts, [23, 5, 11, 12, 4, 67, 2, 53, 4, 19]);
    let view = Columns::new(&x.values, 200, 200).expect("a design");
    let loss = Softmax::new(view, 10, &y).expect("a loss");
    let mut state = vec![f64::NAN; Loss::<f64>::state_len(&loss)];
    loss.begin(&vec![0.0; 2000], &mut state);
    near(loss.value(&[], &state), 200.0 * 10.0_f64.ln(), 1e-14);
}

/// Entries, the least value, the smallest and the largest diagonal entry.
fn check(graph: &Graph, entries: usize, least: f64, ends: (f64, f64)) {
    let view = Csr::new(&graph.offsets, &graph.columns, &graph.weights).expect("a graph");
    let (n, m) = label_propagation_len(view.order(), view.entries(), graph.labelled.len());
    let (mut numbers, mut indices) = (vec![f64::NAN; n], vec![u32::MAX; m]);
    let (loss, vertices) =
        label_propagation(&view, &graph.labelled, &graph.values, &mut numbers, &mut indices).expect("labels");
    let loss: Quadratic<'_, f64, Csr<'_, f64>> = loss;
    let p = loss.variables();
    assert_eq!(
        (loss.matrix().entries(), vertices.len(), p),
        (entries, p, view.order() - graph.labelled.len())
    );
    let diagonal: Vec<f64> = (0..p).map(|i| loss.lipschitz(i)).collect();
    assert_eq!(diagonal.iter().copied().fold(f64::INFINITY, f64::min), ends.0);
    assert_eq!(diagonal.iter().copied().fold(0.0, f64::max), ends.1);
    let dense: Vec<Vec<f64>> = (0..p).map(|i| (0..p).map(|j| loss.matrix().get(i, j)).collect()).collect();
    let mut gradient = vec![0.0; p];
    loss.begin(&vec![0.0; p], &mut gradient);
    let c: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let x = crate::common::Lu::new(dense).solve(&c);
    loss.begin(&x, &mut gradient);
    near(loss.value(&x, &gradient), least, 1e-13);
}

#[test]
fn graphs() {
    check(&set_d(20, 40), 1602, -582_984_634.921_67, (2e5, 4e5));
    check(&set_e(400, 40), 2352, -268.695_906_537_54, (5.0, 11.0));
}
