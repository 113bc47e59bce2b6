//! A solve in the idle time of a control loop, under RTIC: SysTick interrupts it wherever it is, with a step of model
//! predictive control each time, and both find the bits that they find alone.
//!
//! The loop has priority 2 and owns its memory; the solve runs in `idle`, a step at a time, and yields nothing: it needs no
//! operating system, no allocator and no lock. Their only meeting is the count of ticks.
#![no_std]
#![no_main]

/// What RTIC wants to know of a part: it has three bits of priority, and this program uses none of its interrupts.
mod part {
    pub(crate) const NVIC_PRIO_BITS: u8 = 3;
}

#[rtic::app(device = crate::part, peripherals = false)]
mod app {
    use cortex_m::peripheral::SYST;
    use cortex_m::peripheral::syst::SystClkSource;
    use southwell_cortex_m::check;
    use southwell_scenario::control::{CART, Cart, FIELD, REALS, TICKS, field};

    /// Between two ticks of the loop, in cycles of the timer: 100,000 instructions under `-icount shift=2`.
    const PERIOD: u32 = 10_000;

    #[shared]
    struct Shared {
        cart: Option<Cart>,
    }

    #[local]
    struct Local {
        timer: SYST,
    }

    #[init]
    fn init(cx: init::Context) -> (Shared, Local) {
        let mut timer = cx.core.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(PERIOD - 1);
        timer.clear_current();
        (Shared { cart: Cart::new().ok() }, Local { timer })
    }

    /// The control loop.
    #[task(binds = SysTick, priority = 2, shared = [cart])]
    fn tick(mut cx: tick::Context) {
        cx.shared.cart.lock(|cart| {
            if cart.as_mut().is_some_and(|cart| cart.tick().is_err()) {
                *cart = None;
            }
        });
    }

    /// The solve.
    #[idle(local = [timer, memory: [f32; REALS] = [0.0; REALS]], shared = [cart])]
    fn idle(cx: idle::Context) -> ! {
        let (timer, memory, mut cart) = (cx.local.timer, cx.local.memory, cx.shared.cart);
        check("control", |output| {
            let alone = field(memory, 10_000, &mut |solve| solve()) == Ok(FIELD);
            let mut ticks = || cart.lock(|cart| cart.as_ref().map_or(TICKS, Cart::ticks));
            timer.enable_interrupt();
            timer.enable_counter();
            let (mut steps, mut interrupted) = (0, 0);
            let together = field(memory, 1, &mut |solve| {
                let before = ticks();
                solve();
                steps += 1;
                interrupted += u32::from(ticks() != before);
            });
            while ticks() < TICKS {}
            let course = cart.lock(|cart| cart.as_ref().map_or(0, Cart::course));
            output.text("control: ").number(TICKS).text(" ticks of the loop, ").number(interrupted);
            output.text(" of ").number(steps).text(" steps of the solve were interrupted").line();
            alone && together == Ok(FIELD) && course == CART && interrupted > 0
        })
    }
}
