//! Pointers from C, checked.

use core::slice;

use crate::{Code, Fault};

/// What is wrong with a pointer to `len` elements, if anything.
fn check<T>(pointer: *const T, len: usize, argument: &'static str) -> Result<(), Fault> {
    if len == 0 {
        return Ok(());
    }
    if pointer.is_null() {
        return Err(Fault::new(Code::Null, argument));
    }
    if !pointer.is_aligned() {
        return Err(Fault::new(Code::Misaligned, argument));
    }
    let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= isize::MAX as usize);
    let end = bytes.and_then(|bytes| (pointer as usize).checked_add(bytes));
    if end.is_none() { Err(Fault::new(Code::TooLong, argument)) } else { Ok(()) }
}

/// An array that is read.
///
/// # Safety
/// A pointer that passes the checks must point to `len` elements that nobody writes during `'a`.
pub(crate) unsafe fn input<'a, T>(
    pointer: *const T,
    len: usize,
    argument: &'static str,
) -> Result<&'a [T], Fault> {
    check(pointer, len, argument)?;
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: not null, aligned, and not longer than an array can be; the rest is the caller's word.
    Ok(unsafe { slice::from_raw_parts(pointer, len) })
}

/// An array that is written.
///
/// # Safety
/// A pointer that passes the checks must point to `len` elements that nobody else uses during `'a`; the caller
/// tells by [`apart`] that no other array of the same call does.
pub(crate) unsafe fn output<'a, T>(
    pointer: *mut T,
    len: usize,
    argument: &'static str,
) -> Result<&'a mut [T], Fault> {
    check(pointer, len, argument)?;
    if len == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as in `input`.
    Ok(unsafe { slice::from_raw_parts_mut(pointer, len) })
}

/// Refuses a struct that has not the size that this library gives it.
///
/// # Safety
/// A pointer that passes the checks must point to a struct whose first member is its size.
pub(crate) unsafe fn check_size<T>(pointer: *const T, argument: &'static str) -> Result<(), Fault> {
    check(pointer, 1, argument)?;
    // SAFETY: not null and aligned; the first member is a size by the caller's word.
    let size = unsafe { pointer.cast::<usize>().read() };
    if size == size_of::<T>() { Ok(()) } else { Err(Fault::new(Code::Size, argument)) }
}

/// A struct that is read.
///
/// # Safety
/// As [`check_size`], and the members must be what `T` allows.
pub(crate) unsafe fn sized<'a, T>(pointer: *const T, argument: &'static str) -> Result<&'a T, Fault> {
    // SAFETY: handed on; after it, the struct is there and whole.
    unsafe {
        check_size(pointer, argument)?;
        Ok(&*pointer)
    }
}

/// Bytes that a call uses.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    from: usize,
    to: usize,
    argument: &'static str,
}

/// The bytes of an array, none of null; an array that could not be is refused.
pub(crate) fn span<T>(pointer: *const T, len: usize, argument: &'static str) -> Result<Span, Fault> {
    let len = if pointer.is_null() { 0 } else { len };
    check(pointer, len, argument)?;
    let from = pointer as usize;
    Ok(Span { from, to: from.saturating_add(len.saturating_mul(size_of::<T>())), argument })
}

/// Refuses an array that is written and overlaps another one, of those written or those read.
pub(crate) fn apart(written: &[Span], read: &[Span]) -> Result<(), Fault> {
    for (i, one) in written.iter().enumerate() {
        let others = written.iter().skip(i.saturating_add(1)).chain(read);
        for other in others {
            let empty = one.from == one.to || other.from == other.to;
            if !empty && one.from < other.to && other.from < one.to {
                return Err(Fault::new(Code::Overlap, one.argument));
            }
        }
    }
    Ok(())
}

/// Arrays that one call may read, and that it may write: what the largest needs.
const READS: usize = 12;
const WRITES: usize = 5;

/// The arrays of a call, which are collected before any of them is written.
///
/// It lies on the stack of functions that are not inlined, so that it is gone when a solver runs.
pub(crate) struct Arrays {
    read: [Span; READS],
    reads: usize,
    written: [Span; WRITES],
    writes: usize,
}

impl Arrays {
    /// None so far.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        let none = Span { from: 0, to: 0, argument: "" };
        Self { read: [none; READS], reads: 0, written: [none; WRITES], writes: 0 }
    }

    /// An array that is read.
    ///
    /// # Safety
    /// As [`input`].
    pub(crate) unsafe fn input<'a, T>(
        &mut self,
        pointer: *const T,
        len: usize,
        argument: &'static str,
    ) -> Result<&'a [T], Fault> {
        let one = span(pointer, len, argument)?;
        put(&mut self.read, &mut self.reads, one)?;
        // SAFETY: handed on.
        unsafe { input(pointer, len, argument) }
    }

    /// An array that is read, or none where the pointer is null.
    ///
    /// # Safety
    /// As [`input`].
    pub(crate) unsafe fn input_or_none<'a, T>(
        &mut self,
        pointer: *const T,
        len: usize,
        argument: &'static str,
    ) -> Result<Option<&'a [T]>, Fault> {
        if pointer.is_null() {
            return Ok(None);
        }
        // SAFETY: handed on.
        unsafe { self.input(pointer, len, argument) }.map(Some)
    }

    /// A struct of the caller's, read whole.
    ///
    /// # Safety
    /// As [`sized`].
    pub(crate) unsafe fn sized<'a, T>(
        &mut self,
        pointer: *const T,
        argument: &'static str,
    ) -> Result<&'a T, Fault> {
        // SAFETY: handed on.
        let found = unsafe { sized(pointer, argument) }?;
        put(&mut self.read, &mut self.reads, span(pointer, 1, argument)?)?;
        Ok(found)
    }

    /// An array that will be written; [`output`] hands it out after [`apart`](Self::apart).
    pub(crate) fn output<T>(
        &mut self,
        pointer: *mut T,
        len: usize,
        argument: &'static str,
    ) -> Result<Output<T>, Fault> {
        check(pointer, len, argument)?;
        put(&mut self.written, &mut self.writes, span(pointer, len, argument)?)?;
        Ok(Output { pointer, len, argument })
    }

    /// A struct that will be written, if its pointer is not null; it says its size.
    ///
    /// # Safety
    /// As [`check_size`].
    pub(crate) unsafe fn answer<T>(
        &mut self,
        pointer: *mut T,
        argument: &'static str,
    ) -> Result<Answer<T>, Fault> {
        if !pointer.is_null() {
            // SAFETY: handed on.
            unsafe { check_size(pointer, argument) }?;
            put(&mut self.written, &mut self.writes, span(pointer, 1, argument)?)?;
        }
        Ok(Answer { pointer })
    }

    /// Refuses the call if what it writes overlaps another array of it.
    pub(crate) fn apart(&self) -> Result<(), Fault> {
        apart(self.written.get(..self.writes).unwrap_or(&[]), self.read.get(..self.reads).unwrap_or(&[]))
    }
}

/// One span more; the capacity is larger than any call's need.
fn put(spans: &mut [Span], len: &mut usize, one: Span) -> Result<(), Fault> {
    let place = spans.get_mut(*len).ok_or(Fault::new(Code::Other, one.argument))?;
    *place = one;
    *len = len.saturating_add(1);
    Ok(())
}

/// An array that will be written, checked by itself.
pub(crate) struct Output<T> {
    pointer: *mut T,
    len: usize,
    argument: &'static str,
}

impl<T> Output<T> {
    /// The array.
    ///
    /// # Safety
    /// As [`output`]; once, and after [`Arrays::apart`].
    pub(crate) unsafe fn take<'a>(self) -> Result<&'a mut [T], Fault> {
        // SAFETY: handed on.
        unsafe { output(self.pointer, self.len, self.argument) }
    }
}

/// A struct that will be written, or nothing.
pub(crate) struct Answer<T> {
    pointer: *mut T,
}

impl<T> Answer<T> {
    /// Stores what was found, if someone wants it.
    ///
    /// # Safety
    /// The struct is the caller's to write, after [`Arrays::apart`].
    pub(crate) unsafe fn store(self, found: T) {
        if !self.pointer.is_null() {
            // SAFETY: not null, aligned and whole by the check of its size.
            unsafe { self.pointer.write(found) };
        }
    }
}

/// Stores the fault, if someone wants it, and hands out its code.
///
/// # Safety
/// `fault` must be null or point to memory for a [`Fault`].
pub(crate) unsafe fn answer(result: Result<(), Fault>, fault: *mut Fault) -> Code {
    let found = result.err().unwrap_or_else(|| Fault::new(Code::Ok, ""));
    if !fault.is_null() && fault.is_aligned() {
        // SAFETY: not null, aligned, and the caller's to write.
        unsafe { fault.write(found) };
    }
    found.code
}
