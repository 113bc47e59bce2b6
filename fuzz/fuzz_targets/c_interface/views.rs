// Linear systems and designs by every view.

/// A rule as the C interface has it.
fn omega_rule(input: &Input) -> (Box<dyn OmegaRule<T>>, Option<Box<Omega>>) {
    if input.sizes[1] >= 128 {
        return (Box::new(Fixed(1.0)), None);
    }
    let grid = Grid::new(1.0, 1.5, 16).expect("a sound grid");
    let tuner = TsallisInf::<T, 16>::new(TsallisOptions::default()).expect("sound options");
    let rng = Xoshiro256PlusPlus::seed_from_u64(u64::from(input.sizes[0]));
    let mut state = Box::new(Omega { mark: 0, state: [0; size_of::<Omega>() / 8 - 1] });
    // SAFETY: memory for a state.
    let code = unsafe { omega_init(&raw mut *state, 1.0, 1.5, u64::from(input.sizes[0]), ptr::null_mut()) };
    assert_eq!(code, c::Code::Ok);
    (Box::new(Learned::new(tuner, grid, rng)), Some(state))
}

/// The entries of a matrix that are not zero, by rows.
fn rows_of(values: &[T], n: usize) -> (Vec<u32>, Vec<u32>, Vec<T>) {
    let (mut offsets, mut columns, mut kept) = (vec![0], vec![], vec![]);
    for row in values.chunks(n) {
        for (j, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            columns.push(j as u32);
            kept.push(*value);
        }
        offsets.push(columns.len() as u32);
    }
    (offsets, columns, kept)
}

fn sweeps(input: &Input) {
    let (rows, lines) = (input.size(0, 4), input.size(1, 3));
    let stencil = input.sizes[2] % 5 >= 3;
    let n = if stencil { rows * lines } else { rows };
    let values: Vec<T> = input.matrix(n);
    let (offsets, mut columns, kept) = rows_of(&values, n);
    // Indices that contradict each other, at times.
    if input.wild && input.sizes[2] >= 192 && columns.len() > 1 {
        columns.swap(0, 1);
    }
    let star: Vec<T> = input.numbers(1, 5);
    let centre =
        if input.wild { star[0] } else { star[0].abs() + star[1].abs() * 2.0 + star[2].abs() * 2.0 + 0.5 };
    let star =
        Star { centre, west: star[1], east: star[1], south: star[2], north: star[2], ..Star::default() };
    let (rhs, start): (Vec<T>, Vec<T>) = (input.numbers(3, n), input.numbers(5, n));
    let stop = input.stop(Stop::default());
    let (mut rule, mut state) = omega_rule(input);
    let state = state.as_mut().map_or(ptr::null_mut(), |state| &raw mut **state);

    fn by_sor<A: Relax<T>>(
        view: &A,
        rhs: &[T],
        x: &mut [T],
        stop: Stop<T>,
        rule: &mut dyn OmegaRule<T>,
        len: usize,
    ) -> Result<southwell::Report<T>, Error> {
        let (problem, mut work) = (relaxation::Problem::new(view, rhs)?, vec![T::NAN; len]);
        let work = relaxation::sor::Workspace::new(&problem, &mut work)?;
        relaxation::sor::solve(
            &problem,
            &relaxation::sor::Options { stop, ..Default::default() },
            rule,
            x,
            work,
            &mut (),
        )
    }
    fn by_cg<A: Split<T>>(
        view: &A,
        rhs: &[T],
        x: &mut [T],
        stop: Stop<T>,
        rule: &mut dyn OmegaRule<T>,
        len: usize,
    ) -> Result<southwell::Report<T>, Error> {
        let (problem, mut work) = (relaxation::Problem::new(view, rhs)?, vec![T::NAN; len]);
        let work = ssor_cg::Workspace::new(&problem, &mut work)?;
        ssor_cg::solve(&problem, &ssor_cg::Options { stop, ..Default::default() }, rule, x, work, &mut ())
    }
    let which = input.sizes[2] % 5;
    let len = match which {
        0 | 1 => c::relaxation::southwell_sor_workspace(n),
        2 => c::relaxation::southwell_ssor_cg_workspace(n),
        3 => c::relaxation::southwell_sor_workspace_stencil(n),
        _ => c::relaxation::southwell_ssor_cg_workspace_stencil(n),
    };
    let mut run = || -> Result<_, Error> {
        let mut x = start.clone();
        let rule = &mut *rule;
        let report = match which {
            0 => by_sor(&Dense::new(&values, n, n)?, &rhs, &mut x, stop, rule, len)?,
            1 => by_sor(&Csr::new(&offsets, &columns, &kept)?, &rhs, &mut x, stop, rule, len)?,
            2 => by_cg(&Csr::new(&offsets, &columns, &kept)?, &rhs, &mut x, stop, rule, len)?,
            3 => by_sor(&Stencil2d::constant(rows, lines, star)?, &rhs, &mut x, stop, rule, len)?,
            _ => by_cg(&Stencil2d::constant(rows, lines, star)?, &rhs, &mut x, stop, rule, len)?,
        };
        Ok((report, x))
    };
    let found = run();
    let dense = c::relaxation::DenseMatrix {
        size: size_of::<c::relaxation::DenseMatrix<T>>(),
        order: n,
        stride: n,
        values: values.as_ptr(),
    };
    let csr = c::relaxation::CsrMatrix {
        size: size_of::<c::relaxation::CsrMatrix<T>>(),
        order: n,
        offsets: offsets.as_ptr(),
        columns: columns.as_ptr(),
        values: kept.as_ptr(),
    };
    let Star { centre, west, east, south, north, .. } = star;
    let cells = c::relaxation::Stencil {
        size: size_of::<c::relaxation::Stencil<T>>(),
        rows,
        columns: lines,
        centre,
        west,
        east,
        south,
        north,
    };
    compare(input, &start, found, len, |hands, fault| {
        let (options, rhs) = (options(&stop), rhs.as_ptr());
        let (mut dense, mut csr, mut cells) = (&raw const dense, &raw const csr, &raw const cells);
        if hands.null {
            (dense, csr, cells) = (ptr::null(), ptr::null(), ptr::null());
        }
        // SAFETY: as above.
        unsafe {
            match which {
                0 => sor_dense(
                    dense,
                    rhs,
                    hands.x,
                    &options,
                    state,
                    hands.workspace,
                    hands.len,
                    hands.report,
                    fault,
                ),
                1 => sor_csr(
                    csr,
                    rhs,
                    hands.x,
                    &options,
                    state,
                    hands.workspace,
                    hands.len,
                    hands.report,
                    fault,
                ),
                2 => ssor_cg_csr(
                    csr,
                    rhs,
                    hands.x,
                    &options,
                    state,
                    hands.workspace,
                    hands.len,
                    hands.report,
                    fault,
                ),
                3 => sor_stencil(
                    cells,
                    rhs,
                    hands.x,
                    &options,
                    state,
                    hands.workspace,
                    hands.len,
                    hands.report,
                    fault,
                ),
                _ => ssor_cg_stencil(
                    cells,
                    rhs,
                    hands.x,
                    &options,
                    state,
                    hands.workspace,
                    hands.len,
                    hands.report,
                    fault,
                ),
            }
        }
    });
}

fn sparse_design(input: &Input) {
    let (n, p, capacity) = (input.size(0, 5), input.size(1, 5), input.size(2, 5) - 1);
    let (offsets, mut indices, kept) = rows_of(&input.numbers(1, n * p), n);
    if input.wild && input.sizes[2] >= 192 && indices.len() > 1 {
        indices.swap(0, 1);
    }
    let start: Vec<T> = input.numbers(3, p);
    let logistic = input.sizes[0] >= 128;
    let sign = |y: &T| if *y < 0.0 { -1.0 } else { 1.0 };
    let y: Vec<T> = input.numbers(2, n);
    let y = if logistic && !input.wild { y.iter().map(sign).collect() } else { y };
    let [lambda, ridge] = [8, 9].map(|k| input.numbers::<T>(k, 1)[0]);
    let penalty = u32::from(input.sizes[1] / 8 % 4);
    let groups: Vec<u32> = (0..p as u32).step_by(2).chain([p as u32]).collect();
    let blocks = if penalty == 3 { groups.len() - 1 } else { p };
    let weights: Option<Vec<T>> = (input.sizes[1] >= 128).then(|| {
        let weights = input.numbers(4, blocks);
        if input.wild { weights } else { weights.iter().map(|w: &T| w.abs() + 0.5).collect() }
    });
    let (averaged, intercept) = (input.sizes[2] / 8 % 2, input.sizes[2] / 16 % 2);
    let stop = input.stop(sparse_regression::Options::default().stop);
    let len = c::regression::southwell_regression_workspace(n, p, capacity);
    let count = c::regression::southwell_regression_indices(p, capacity);
    let mut most = None;
    let mut run = || -> Result<_, Error> {
        let (design, mut x) = (Csc::new(&offsets, &indices, &kept, n)?, start.clone());
        let penalty = match penalty {
            0 => sparse_regression::Penalty::Lasso { lambda },
            1 => sparse_regression::Penalty::ElasticNet { lambda, ridge },
            2 => sparse_regression::Penalty::NonNegative { lambda },
            _ => sparse_regression::Penalty::Group { lambda, groups: &groups },
        };
        let problem = if logistic {
            sparse_regression::Problem::logistic(&design, &y, penalty)?
        } else {
            sparse_regression::Problem::least_squares(&design, &y, penalty)?
        };
        let problem = if averaged != 0 { problem.averaged()? } else { problem };
        let problem = if intercept != 0 { problem.with_intercept()? } else { problem };
        let problem = if let Some(weights) = &weights { problem.weighted(weights)? } else { problem };
        most = Some(problem.lambda_max());
        let (mut work, mut indices) = (vec![T::NAN; len], vec![u32::MAX; count]);
        let work = sparse_regression::Workspace::new(&problem, capacity, &mut work, &mut indices)?;
        let inner = sparse_regression::Options { stop, ..Default::default() };
        Ok((sparse_regression::solve(&problem, &inner, &mut x, work, &mut ())?.report, x))
    };
    let found = run();
    let design = c::regression::SparseDesign {
        size: size_of::<c::regression::SparseDesign<T>>(),
        rows: n,
        columns: p,
        offsets: offsets.as_ptr(),
        indices: indices.as_ptr(),
        values: kept.as_ptr(),
    };
    let problem = c::regression::Regression {
        size: size_of::<c::regression::Regression<T>>(),
        y: y.as_ptr(),
        loss: u32::from(logistic),
        penalty,
        lambda,
        ridge,
        groups: groups.as_ptr(),
        groups_len: groups.len(),
        weights: weights.as_ref().map_or(ptr::null(), |weights| weights.as_ptr()),
        averaged: u32::from(averaged),
        intercept: u32::from(intercept),
        capacity,
    };
    let mut largest = T::NAN;
    // SAFETY: as above.
    let code = unsafe { lambda_max_sparse(&design, &problem, &mut largest, ptr::null_mut()) };
    match (most, &found) {
        // What was refused after the problem was made is no fault of it.
        (Some(most), _) => {
            assert!(code == c::Code::Ok && same(&[largest], &[most]), "{code:?} {largest} {most}")
        }
        (None, Err(error)) => assert!(code == c::Fault::from(*error).code && largest.is_nan()),
        (None, Ok(_)) => unreachable!("a run of no problem"),
    }
    compare(input, &start, found, len, |hands, fault| {
        let problem = if hands.null { ptr::null() } else { &raw const problem };
        let mut indices = vec![7_u32; count];
        // SAFETY: as above.
        unsafe {
            regression_sparse(
                &design,
                problem,
                hands.x,
                &options(&stop),
                hands.workspace,
                hands.len,
                indices.as_mut_ptr(),
                count,
                hands.report,
                ptr::null_mut(),
                fault,
            )
        }
    });
}
