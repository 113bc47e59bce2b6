// Functions of the caller's own: descent by blocks, an operator, an oracle.

pub fn check(input: &Input) {
    match input.family % 16 {
        8 => descent(input),
        9 => operator(input),
        10 => function(input),
        11 => sweeps(input),
        12 => sparse_design(input),
        13 => prepared(input),
        14 => measured(input),
        _ => by_themselves(input),
    }
}

/// f = ½xᵀQx − cᵀx of the caller's own; the state is the gradient.
struct Own {
    q: Vec<T>,
    linear: Vec<T>,
    curvature: Vec<T>,
}

impl Own {
    fn row(&self, i: usize) -> &[T] {
        let n = self.linear.len();
        &self.q[i * n..(i + 1) * n]
    }
}

impl descent::Loss<T> for Own {
    fn variables(&self) -> usize {
        self.linear.len()
    }
    fn state_len(&self) -> usize {
        self.linear.len()
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        for (i, state) in state.iter_mut().enumerate() {
            *state = self.row(i).iter().zip(x).map(|(q, x)| q * x).sum::<T>() - self.linear[i];
        }
    }
    fn shift(&self, variable: usize, delta: T, state: &mut [T]) {
        state.iter_mut().zip(self.row(variable)).for_each(|(g, q)| *g += delta * q);
    }
    fn value(&self, x: &[T], state: &[T]) -> T {
        x.iter().zip(state).zip(&self.linear).map(|((x, g), c)| 0.5 * x * (g - c)).sum()
    }
    fn partial(&self, variable: usize, state: &[T]) -> T {
        state[variable]
    }
    fn lipschitz(&self, variable: usize) -> T {
        self.curvature[variable]
    }
}

/// What the C interface adds to it.
struct Added<'a> {
    weights: ElasticNet<'a, T>,
    bounds: Option<Interval<'a, T>>,
}

impl Penalty<T> for Added<'_> {
    fn check(&self, variables: usize) -> Result<(), Error> {
        self.weights.check(variables)?;
        self.bounds.map_or(Ok(()), |bounds| bounds.check(variables))
    }
    fn shape(&self, variable: usize) -> Option<Shape<T>> {
        let own = self.weights.shape(variable)?;
        let Some(bounds) = self.bounds else { return Some(own) };
        bounds.shape(variable).map(|Shape { lower, upper, .. }| Shape { lower, upper, ..own })
    }
    fn is_zero(&self) -> bool {
        self.bounds.is_none() && [self.weights.l1, self.weights.l2] == [Values::Same(0.0); 2]
    }
}

unsafe extern "C" fn begin(context: *mut c_void, x: *const T, n: usize, state: *mut T, len: usize) {
    // SAFETY: what the interface says of these; here and below.
    unsafe {
        descent::Loss::begin(
            &*context.cast::<Own>(),
            slice::from_raw_parts(x, n),
            slice::from_raw_parts_mut(state, len),
        );
    }
}

unsafe extern "C" fn shift(context: *mut c_void, variable: usize, delta: T, state: *mut T, len: usize) {
    // SAFETY: as above.
    unsafe {
        descent::Loss::shift(&*context.cast::<Own>(), variable, delta, slice::from_raw_parts_mut(state, len))
    }
}

unsafe extern "C" fn value(context: *mut c_void, x: *const T, n: usize, state: *const T, len: usize) -> T {
    // SAFETY: as above.
    unsafe {
        descent::Loss::value(
            &*context.cast::<Own>(),
            slice::from_raw_parts(x, n),
            slice::from_raw_parts(state, len),
        )
    }
}

unsafe extern "C" fn partial(context: *mut c_void, variable: usize, state: *const T, len: usize) -> T {
    // SAFETY: as above.
    unsafe { descent::Loss::partial(&*context.cast::<Own>(), variable, slice::from_raw_parts(state, len)) }
}

fn descent(input: &Input) {
    let n = input.size(0, 6);
    let q: Vec<T> = input.matrix(n);
    let curvature: Vec<T> =
        if input.wild { input.numbers(2, n) } else { (0..n).map(|i| q[i * n + i]).collect() };
    let mut own = Own { q, linear: input.numbers(3, n), curvature };
    let (start, weights): (Vec<T>, Vec<T>) = (input.numbers(5, n), input.numbers(6, 2));
    let [l1, l2] = [weights[0], weights[1]].map(|w| if input.wild { w } else { w.abs() });
    let (lower, upper): (Vec<T>, Vec<T>) = (input.numbers(7, n), input.numbers(11, n));
    let bounded = input.sizes[1] % 2 == 1;
    let (block, greedy) = (input.size(2, n as u8), input.sizes[1] % 4 < 2);
    let stop = input.stop(Stop::default());
    let bounds = bounded.then(|| Interval::new(Values::Each(&lower), Values::Each(&upper)));
    let added = Added { weights: ElasticNet::new(l1, l2), bounds };
    // The functions for lengths name what is enough for every rule.
    let enough = c::blocks::southwell_descend_workspace(n, n, block);
    let count = c::blocks::southwell_descend_indices(block);
    let len = sizes(&own, &added, block, greedy).map_or(enough, |sizes| {
        assert!(descent::Workspace::<T>::required_indices(&sizes) <= count, "{sizes:?}");
        descent::Workspace::<T>::required_len(&sizes)
    });
    assert!(len <= enough);
    let run = || -> Result<_, Error> {
        for (index, &curvature) in own.curvature.iter().enumerate() {
            let argument = "curvature";
            if !curvature.is_finite() {
                return Err(Error::Value { argument, index });
            }
            if curvature < 0.0 {
                return Err(Error::Negative { argument, index });
            }
        }
        let problem = descent::Problem::new(&own, &added)?;
        let (mut x, mut work, mut indices) = (start.clone(), vec![T::NAN; len], vec![u32::MAX; count]);
        let inner = descent::Options { stop, ..Default::default() };
        let outcome = if greedy {
            let mut scheme =
                descent::Scheme { select: GreedyVariable::new(block, Score::Progress), update: Gradient };
            let work = descent::Workspace::new(&problem, &scheme, &mut work, &mut indices)?;
            descent::solve(&problem, &inner, &mut scheme, &mut x, work, &mut ())?
        } else {
            let select = Cyclic::new(descent::Partition::consecutive(n, block)?);
            let mut scheme = descent::Scheme { select, update: Gradient };
            let work = descent::Workspace::new(&problem, &scheme, &mut work, &mut indices)?;
            descent::solve(&problem, &inner, &mut scheme, &mut x, work, &mut ())?
        };
        Ok((outcome.report, x))
    };
    let found = run();
    let smooth = c::blocks::Smooth {
        size: size_of::<c::blocks::Smooth<T>>(),
        variables: n,
        state_len: n,
        begin: Some(begin),
        shift: Some(shift),
        value: Some(value),
        partial: Some(partial),
        curvature: own.curvature.as_ptr(),
        context: (&raw mut own).cast(),
        l1,
        l2,
        lower: if bounded { lower.as_ptr() } else { ptr::null() },
        upper: if bounded { upper.as_ptr() } else { ptr::null() },
        rule: u32::from(!greedy),
        block,
    };
    compare(input, &start, found, len, |hands, fault| {
        let smooth = if hands.null { ptr::null() } else { &raw const smooth };
        let mut indices = vec![7_u32; count];
        // SAFETY: arrays as long as said, or refused; here and below.
        unsafe {
            descend(
                smooth,
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

/// How much memory a descent needs, if its parts go together.
fn sizes(own: &Own, added: &Added<'_>, block: usize, greedy: bool) -> Option<descent::Sizes> {
    let problem = descent::Problem::new(own, added).ok()?;
    if greedy {
        let select = GreedyVariable::new(block, Score::Progress);
        return Some(descent::Sizes::of(&problem, &descent::Scheme { select, update: Gradient }));
    }
    let select = Cyclic::new(descent::Partition::consecutive(own.linear.len(), block).ok()?);
    Some(descent::Sizes::of(&problem, &descent::Scheme { select, update: Gradient }))
}

/// A matrix that is known by its products alone.
struct Multiplied {
    n: usize,
    a: Vec<T>,
}

impl linear::Matrix<T> for Multiplied {
    fn order(&self) -> usize {
        self.n
    }
    fn diagonal(&self, row: usize) -> Option<T> {
        (row < self.n).then_some(1.0)
    }
    fn off_diagonal(&self, _row: usize) -> T {
        0.0
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        let row = |row: &[T]| row.iter().zip(x).map(|(a, x)| a * x).sum();
        y.iter_mut().zip(self.a.chunks(self.n)).for_each(|(y, a)| *y = row(a));
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        self.apply(x, r);
        r.iter_mut().zip(rhs).for_each(|(r, b)| *r = b - *r);
    }
    fn residual_square(&self, _rhs: &[T], _x: &[T]) -> T {
        T::NAN
    }
}

unsafe extern "C" fn apply(context: *mut c_void, x: *const T, y: *mut T, n: usize) {
    // SAFETY: what the interface says of these; here and below.
    unsafe {
        linear::Matrix::apply(
            &*context.cast::<Multiplied>(),
            slice::from_raw_parts(x, n),
            slice::from_raw_parts_mut(y, n),
        );
    }
}

fn operator(input: &Input) {
    let n = input.size(0, 6);
    let mut matrix = Multiplied { n, a: input.matrix(n) };
    let (rhs, start): (Vec<T>, Vec<T>) = (input.numbers(3, n), input.numbers(5, n));
    let stop = input.stop(Stop::default());
    let len = c::own::southwell_cg_workspace(n);
    let run = || -> Result<_, Error> {
        let (mut x, mut work) = (start.clone(), vec![T::NAN; len]);
        let problem = relaxation::Problem::new(&matrix, &rhs)?;
        let work = relaxation::cg::Workspace::new(&problem, &mut work)?;
        let inner = relaxation::cg::Options { stop, ..Default::default() };
        Ok((relaxation::cg::solve(&problem, &inner, &mut x, work, &mut ())?, x))
    };
    let found = run();
    let size = size_of::<c::own::Operator<T>>();
    let raw = c::own::Operator { size, order: n, apply: Some(apply), context: (&raw mut matrix).cast() };
    compare(input, &start, found, len, |hands, fault| {
        let raw = if hands.null { ptr::null() } else { &raw const raw };
        // SAFETY: as above.
        unsafe {
            cg(raw, rhs.as_ptr(), hands.x, &options(&stop), hands.workspace, hands.len, hands.report, fault)
        }
    });
}

/// Σ w_i |x_i − t_i|, the sub-gradient by signs.
struct Distances {
    weights: Vec<T>,
    targets: Vec<T>,
}

impl Oracle<T> for Distances {
    fn dimension(&self) -> usize {
        self.weights.len()
    }
    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        let mut sum = 0.0;
        for (((x, g), w), t) in x.iter().zip(g).zip(&self.weights).zip(&self.targets) {
            *g = if x >= t { *w } else { -w };
            sum += w * (x - t).abs();
        }
        sum
    }
}

unsafe extern "C" fn evaluate(context: *mut c_void, x: *const T, g: *mut T, n: usize) -> T {
    // SAFETY: as above.
    unsafe {
        let (x, g) = (slice::from_raw_parts(x, n), slice::from_raw_parts_mut(g, n));
        (*context.cast::<Distances>()).value_and_subgradient(x, g)
    }
}

/// Everywhere, or in a box.
struct Where<'a>(Option<Bounds<'a, T>>);

impl Projection<T> for Where<'_> {
    fn dimension(&self) -> Option<usize> {
        self.0.as_ref().and_then(Projection::dimension)
    }
    fn project(&mut self, x: &mut [T]) {
        if let Some(bounds) = &mut self.0 {
            bounds.project(x);
        }
    }
    fn separable(&self) -> bool {
        true
    }
}

fn function(input: &Input) {
    let n = input.size(0, 6);
    let weights: Vec<T> = input.numbers(1, n);
    let weights = if input.wild { weights } else { weights.iter().map(|w| w.abs()).collect() };
    let mut distances = Distances { weights, targets: input.numbers(3, n) };
    let start: Vec<T> = input.numbers(5, n);
    let (lower, upper): (Vec<T>, Vec<T>) = (input.numbers(7, n), input.numbers(11, n));
    let bounded = input.sizes[1] % 2 == 1;
    let length: T = input.numbers(8, 1)[0];
    let least = if input.sizes[2] % 2 == 1 { input.numbers::<T>(9, 1)[0] } else { -T::INFINITY };
    let stop = input.stop(Stop::default());
    let len = c::own::southwell_minimise_workspace(n);
    let run = || -> Result<_, Error> {
        let set = Where(if bounded { Some(Bounds::new(&lower, &upper)?) } else { None });
        let oracle = Distances { weights: distances.weights.clone(), targets: distances.targets.clone() };
        let problem = subgradient::Problem::new(oracle, set)?;
        let (mut x, mut work) = (start.clone(), vec![T::NAN; len]);
        let work = method::Workspace::new(&problem, false, &mut work)?;
        let mut inner = method::Options::default();
        inner.ending.stop = stop;
        let outcome = if least == -T::INFINITY {
            method::solve(problem, &inner, Diminishing(length), &mut x, work, &mut ())
        } else {
            inner.ending.target = least;
            method::solve(problem, &inner, Polyak::new(least), &mut x, work, &mut ())
        };
        Ok((outcome?.report, x))
    };
    let found = run();
    let raw = c::own::Function {
        size: size_of::<c::own::Function<T>>(),
        dimension: n,
        evaluate: Some(evaluate),
        context: (&raw mut distances).cast(),
        lower: if bounded { lower.as_ptr() } else { ptr::null() },
        upper: if bounded { upper.as_ptr() } else { ptr::null() },
        length,
        least,
    };
    compare(input, &start, found, len, |hands, fault| {
        let raw = if hands.null { ptr::null() } else { &raw const raw };
        // SAFETY: as above.
        unsafe {
            minimise(
                raw,
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
