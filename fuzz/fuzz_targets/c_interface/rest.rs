// What is prepared once, recoveries by every operator, and calls without a report.

/// A plant from the input, as both interfaces have it.
fn plant(input: &Input, call: impl FnOnce(box_qp::Plant<'_, T>, c::box_qp::Plant<T>)) {
    let (n, m, horizon) = (input.size(0, 3), input.size(1, 2), input.size(2, 4));
    let (a, b): (Vec<T>, Vec<T>) = (input.numbers(1, n * n), input.numbers(2, n * m));
    let (q, r): (Vec<T>, Vec<T>) = (input.matrix(n), input.matrix(m));
    let raw = c::box_qp::Plant {
        size: size_of::<c::box_qp::Plant<T>>(),
        states: n,
        inputs: m,
        horizon,
        a: a.as_ptr(),
        b: b.as_ptr(),
        q: q.as_ptr(),
        r: r.as_ptr(),
        p: q.as_ptr(),
    };
    call(box_qp::Plant { states: n, inputs: m, a: &a, b: &b, q: &q, r: &r }, raw);
}

fn prepared(input: &Input) {
    if input.sizes[2] >= 128 {
        // The cost of the last state.
        plant(input, |plant, raw| {
            let (n, m) = (plant.states, plant.inputs);
            let start: Vec<T> = input.numbers(4, n * n);
            let stop = input.stop(Stop::default());
            let len = c::control::southwell_box_qp_terminal_workspace(n, m);
            let run = || -> Result<_, Error> {
                let (mut p, mut work) = (start.clone(), vec![T::NAN; len]);
                Ok((box_qp::terminal_cost(&plant, &mut p, &mut work, &stop)?, p))
            };
            compare(input, &start, run(), len, |hands, fault| {
                let raw = if hands.null { ptr::null() } else { &raw const raw };
                // SAFETY: as above.
                unsafe {
                    terminal(raw, hands.x, &options(&stop), hands.workspace, hands.len, hands.report, fault)
                }
            });
        });
        return;
    }
    let n = input.size(0, 5);
    let (h, f, start): (Vec<T>, Vec<T>, Vec<T>) = (input.matrix(n), input.numbers(3, n), input.numbers(5, n));
    let (lower, upper): (Vec<T>, Vec<T>) = (input.numbers(7, n), input.numbers(11, n));
    let stop = input.stop(box_qp::Options::default().stop);
    let len = c::box_qp::southwell_box_qp_prepared_workspace(n);
    let mut inverse = vec![1.0; n * n];
    let made = box_qp::Condensed::new(&h, n)
        .and_then(|model| box_qp::invert_condensed(&model, &mut inverse, &mut vec![T::NAN; n * n]));
    let mut theirs = vec![1.0; n * n];
    // SAFETY: as above.
    let code = unsafe {
        invert(h.as_ptr(), n, theirs.as_mut_ptr(), vec![T::NAN; n * n].as_mut_ptr(), n * n, ptr::null_mut())
    };
    match made {
        Ok(southwell::Status::Converged) => assert!(code == c::Code::Ok && same(&theirs, &inverse)),
        Ok(_) => assert_eq!(code, c::Code::Indefinite),
        Err(error) => assert!(code == c::Fault::from(error).code && same(&theirs, &inverse)),
    }
    let run = || -> Result<_, Error> {
        let (model, mut x) =
            (box_qp::Prepared::new(box_qp::Condensed::new(&h, n)?, &inverse)?, start.clone());
        let problem = box_qp::Problem::new(&model, &f, &lower, &upper)?;
        let mut work = vec![T::NAN; len];
        let mut work = box_qp::Workspace::new(&model, &mut work)?;
        let inner = box_qp::Options { stop, ..Default::default() };
        Ok((box_qp::solve(&problem, &inner, &mut x, &mut work, &mut ())?.report, x))
    };
    let problem = c::box_qp::BoxQp {
        size: size_of::<c::box_qp::BoxQp<T>>(),
        variables: n,
        h: h.as_ptr(),
        inverse: inverse.as_ptr(),
        f: f.as_ptr(),
        lower: lower.as_ptr(),
        upper: upper.as_ptr(),
    };
    compare(input, &start, run(), len, |hands, fault| {
        let problem = if hands.null { ptr::null() } else { &raw const problem };
        // SAFETY: as above.
        unsafe {
            box_qp_prepared(
                problem,
                hands.x,
                &options(&stop),
                hands.workspace,
                hands.len,
                hands.report,
                ptr::null_mut(),
                fault,
            )
        }
    });
}

/// Recoveries from anything but dense matrices.
fn measured(input: &Input) {
    use matrix::operator::{Bilinear, Entries, Operator, RankOne};
    let (rows, count, rank) = (input.size(0, 4), input.size(1, 12), input.size(2, 3));
    let which = input.sizes[2] / 4 % 3;
    let symmetric = input.sizes[1] >= 128;
    let columns = if symmetric || which == 0 { rows } else { input.size(0, 3) };
    let (a, b, y): (Vec<T>, Vec<T>, Vec<T>) =
        (input.numbers(1, count * rows), input.numbers(6, count * columns), input.numbers(2, count));
    // Out of the matrix, at times.
    let beyond = usize::from(input.wild && input.sizes[2] >= 192);
    let row_of: Vec<u32> =
        (0..count).map(|i| ((i * 7 + usize::from(input.sizes[0])) % (rows + beyond)) as u32).collect();
    let column_of: Vec<u32> =
        (0..count).map(|i| ((i / rows + usize::from(input.sizes[1])) % columns) as u32).collect();
    let [alpha, target] = [8, 9].map(|k| input.numbers::<T>(k, 1)[0]);
    let (seed, patience) = (u64::from(input.sizes[0]), u32::from(input.sizes[1]));
    let stop = input.stop(matrix::Options::<T>::default().stop);
    let inner = matrix::Options { stop, alpha, target, seed, patience, ..Default::default() };
    let flag = u32::from(symmetric);
    let len = match which {
        0 => c::recovery::southwell_recovery_rank_one_workspace(rows, columns, rank, flag),
        1 => c::recovery::southwell_recovery_bilinear_workspace(rows, columns, rank, flag),
        _ => c::recovery::southwell_recovery_entries_workspace(rows, columns, rank, flag),
    };
    let start: Vec<T> = input.numbers(3, c::recovery::southwell_recovery_unknowns(rows, columns, rank, flag));
    fn by<O: Operator<T>>(
        operator: &O,
        y: &[T],
        (rank, symmetric): (usize, bool),
        inner: &matrix::Options<T>,
        x: &mut [T],
        len: usize,
    ) -> Result<southwell::Report<T>, Error> {
        let problem = if symmetric {
            matrix::Problem::symmetric(operator, y, rank)?
        } else {
            matrix::Problem::general(operator, y, rank)?
        };
        let mut work = vec![T::NAN; len];
        let work = matrix::Workspace::new(&problem, false, &mut work)?;
        Ok(matrix::solve(&problem, inner, x, work, &mut ())?.report)
    }
    let kind = (rank, symmetric);
    let run = || -> Result<_, Error> {
        let mut x = start.clone();
        let report = match which {
            0 => by(&RankOne::new(&a, rows)?, &y, kind, &inner, &mut x, len),
            1 => by(&Bilinear::new(&a, &b, rows, columns)?, &y, kind, &inner, &mut x, len),
            _ => by(&Entries::new(&row_of, &column_of, rows, columns)?, &y, kind, &inner, &mut x, len),
        };
        Ok((report?, x))
    };
    let problem = c::recovery::Measurements {
        size: size_of::<c::recovery::Measurements<T>>(),
        count,
        rows,
        columns,
        rank,
        symmetric: flag,
        y: y.as_ptr(),
        a: a.as_ptr(),
        b: b.as_ptr(),
        row_of: row_of.as_ptr(),
        column_of: column_of.as_ptr(),
    };
    let begin = c::recovery::RecoveryStart {
        size: size_of::<c::recovery::RecoveryStart<T>>(),
        alpha,
        target,
        seed,
        patience,
    };
    compare(input, &start, run(), len, |hands, fault| {
        let problem = if hands.null { ptr::null() } else { &raw const problem };
        let recover = match which {
            0 => recover_rank_one,
            1 => recover_bilinear,
            _ => recover_entries,
        };
        // SAFETY: as above.
        unsafe {
            recover(
                problem,
                &begin,
                hands.x,
                &options(&stop),
                hands.workspace,
                hands.len,
                hands.report,
                ptr::null_mut(),
                fault,
            )
        }
    });
}

/// Calls without a report: what is written is what the Rust interface writes, or nothing.
fn by_themselves(input: &Input) {
    // A row of a coupling.
    let (n, m) = (input.size(0, 5), input.size(1, 5));
    let (cost, f, g): (Vec<T>, Vec<T>, Vec<T>) =
        (input.numbers(1, n * m), input.numbers(5, n), input.numbers(6, m));
    let epsilon: T = input.numbers(9, 1)[0];
    let (mut out, row) = (vec![0.5; m], usize::from(input.sizes[2]) % (n + 1));
    let before = out.clone();
    let problem = c::transport::Transport {
        size: size_of::<c::transport::Transport<T>>(),
        rows: n,
        columns: m,
        stride: m,
        cost: cost.as_ptr(),
        a: f.as_ptr(),
        b: g.as_ptr(),
        epsilon,
    };
    // SAFETY: as above.
    let code =
        unsafe { coupling_row(&problem, row, f.as_ptr(), g.as_ptr(), out.as_mut_ptr(), ptr::null_mut()) };
    match DenseCost::new(&cost, n, m, m) {
        Ok(costs) if row < n => {
            let mut theirs = vec![T::NAN; m];
            transport::Cost::coupling_row(&costs, row, epsilon, f[row], &g, &mut theirs, &mut []);
            assert!(code == c::Code::Ok && same(&out, &theirs), "{out:?} {theirs:?}");
        }
        Ok(_) => assert!(code == c::Code::Dimension && same(&out, &before)),
        Err(error) => assert!(code == c::Fault::from(error).code && same(&out, &before)),
    }

    // The condensed form of a plant, and inputs that move on.
    plant(input, |plant, raw| {
        let (n, m, horizon) = (plant.states, plant.inputs, raw.horizon);
        let x0: Vec<T> = input.numbers(4, n);
        let variables = m * horizon;
        let len = c::control::southwell_box_qp_condense_workspace(n, m, horizon);
        let (mut h, mut f) = (vec![0.5; variables * variables], vec![0.5; variables]);
        let (mut our_h, mut our_f) = (h.clone(), f.clone());
        // SAFETY: as above.
        let code = unsafe {
            condense(
                &raw,
                x0.as_ptr(),
                h.as_mut_ptr(),
                f.as_mut_ptr(),
                vec![T::NAN; len].as_mut_ptr(),
                len,
                ptr::null_mut(),
            )
        };
        let made = box_qp::Staged::new(plant, plant.q, horizon)
            .and_then(|model| box_qp::condense(&model, &x0, &mut our_h, &mut our_f, &mut vec![T::NAN; len]));
        let expected = made.err().map_or(c::Code::Ok, |error| c::Fault::from(error).code);
        assert!(code == expected && same(&h, &our_h) && same(&f, &our_f), "{code:?} {expected:?}");
        let inputs = usize::from(input.sizes[1]) % (variables + 2);
        box_qp::shift(&mut our_f, inputs);
        // SAFETY: as above.
        let code = unsafe { shift_inputs(f.as_mut_ptr(), variables, inputs, ptr::null_mut()) };
        assert!(code == c::Code::Ok && same(&f, &our_f));
    });

    // A vertex with a proof.
    let (n, p) = (input.size(0, 7), input.size(1, 3));
    let (rows, y, mut beta): (Vec<T>, Vec<T>, Vec<T>) =
        (input.numbers(1, n * p), input.numbers(2, n), input.numbers(3, p));
    let quantile = T::from(f32::from(input.sizes[2]) / 128.0);
    let fit = c::fit::Fit {
        size: size_of::<c::fit::Fit<T>>(),
        rows: n,
        columns: p,
        x: rows.as_ptr(),
        y: y.as_ptr(),
        weights: ptr::null(),
        quantile,
        bound: 0,
    };
    let (len, count) = (c::fit::southwell_fit_certify_workspace(p), c::fit::southwell_fit_indices(p));
    let mut found = c::fit::FitFound {
        size: size_of::<c::fit::FitFound<T>>(),
        value: T::NAN,
        lower_bound: T::NAN,
        seen_at: 9,
        optimal: 9,
    };
    let mut ours = beta.clone();
    // SAFETY: as above.
    let code = unsafe {
        fit_certify(
            &fit,
            beta.as_mut_ptr(),
            vec![T::NAN; len].as_mut_ptr(),
            len,
            vec![7; count].as_mut_ptr(),
            count,
            &mut found,
            ptr::null_mut(),
        )
    };
    let proven =
        Table::new(&rows, n, p).and_then(|table| Quantile::new(table, &y, quantile)).and_then(|loss| {
            let vertex =
                certify::vertex(&loss, &mut ours, &mut vec![T::NAN; len], &mut vec![u32::MAX; count])?;
            Ok((loss.value(&ours), vertex))
        });
    match proven {
        Ok((value, vertex)) => {
            let (bound, optimal) =
                vertex.map_or((0.0, 0), |vertex| (vertex.lower_bound, vertex.optimal.into()));
            assert!(code == c::Code::Ok && same(&[found.value, found.lower_bound], &[value, bound]));
            assert_eq!((found.optimal, found.seen_at), (optimal, 0));
        }
        Err(error) => assert!(code == c::Fault::from(error).code && found.seen_at == 9),
    }
    assert!(same(&beta, &ours));

    // Defaults, and words for every number.
    let defaults = [
        (southwell_options(), Stop::default()),
        (box_qp_options(), box_qp::Options::default().stop),
        (fit_options(), fit::Options::default().ending.stop),
        (calibrate_options(), calibration::Options::default().ending.stop),
        (recovery_options(), matrix::Options::default().stop),
        (regression_options(), sparse_regression::Options::default().stop),
        (sinkhorn_options(), sinkhorn::Options::default().stop),
    ];
    for (theirs, stop) in defaults {
        assert!(same(&[theirs.absolute, theirs.relative], &[stop.absolute, stop.relative]));
        assert_eq!((theirs.max_steps, theirs.check_every), (stop.max_steps, stop.check_every));
    }
    let begin = recovery_start();
    let theirs = matrix::Options::<T>::default();
    assert!(same(&[begin.alpha, begin.target], &[theirs.alpha, theirs.target]));
    assert_eq!((begin.seed, begin.patience), (theirs.seed, theirs.patience));
    for words in [c::southwell_code_text, c::southwell_status_text] {
        // SAFETY: a text that ends with a zero, whatever the number.
        let text = unsafe { CStr::from_ptr(words(i32::from(input.sizes[0]) - 64)) };
        assert!(text.to_str().is_ok_and(|text| !text.is_empty()));
    }
}
