//! The tuners.

use southwell::bandit::{
    BinnedTsallisInf, ChebCb, ChebOptions, Grid, TsallisInf, TsallisOptions, Unimodal, UnimodalOptions,
};

use crate::corpus::Group;

pub(crate) fn rows(group: &mut Group<'_>) {
    group.bad("a grid without arms", Grid::new(1.0, 2.0, 0));
    group.bad("a grid that decreases", Grid::new(2.0, 1.0, 5));
    group.bad("a grid to infinity", Grid::new(1.0, f64::INFINITY, 5));
    let options = TsallisOptions::<f64>::default();
    group.bad("a discount of zero", TsallisInf::<f64, 3>::new(TsallisOptions { discount: 0.0, ..options }));
    group.bad("a discount above one", TsallisInf::<f64, 3>::new(TsallisOptions { discount: 1.5, ..options }));
    group.bad(
        "trials cut at once",
        TsallisInf::<f64, 3>::new(TsallisOptions { trial_cap: Some(1.0), ..options }),
    );
    group.bad("contexts of no width", BinnedTsallisInf::<f64, 3, 2>::new(1.0, 1.0, options));
    group.bad("contexts to infinity", ChebCb::<f64, 3, 2>::new(0.0, f64::INFINITY, ChebOptions::default()));
    group.bad("a discount of NaN", ChebCb::<f64, 3, 2>::new(0.0, 1.0, ChebOptions { discount: f64::NAN }));
    let options = UnimodalOptions::<f64>::default();
    let caution = UnimodalOptions { caution: -1.0, ..options };
    group.bad("a negative caution", Unimodal::<f64, 3, 2>::new(0.0, 1.0, |_| 0, caution));
    group.bad("contexts the wrong way round", Unimodal::<f64, 3, 2>::new(1.0, 0.0, |_| 0, options));
}
