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
