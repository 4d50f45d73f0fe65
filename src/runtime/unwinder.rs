// SPDX-License-Identifier: MPL-2.0

//! Lets ONNX Runtime catch its own exceptions in any program.
//!
//! An exception is thrown by the C++ runtime (libstdc++), which calls an unwinder, and on its way the unwinder runs
//! clean-up code of ONNX Runtime, which calls `_Unwind_Resume` to go on. All of that has to be the same unwinder, and
//! need not be: GStreamer brings libunwind into many programs, which defines the functions of libgcc_s by the same
//! names. Whether a library's calls go to one or the other depends on the order in which the program loaded them all: a
//! libstdc++ that came before GStreamer (Python with numpy) calls libgcc_s, ONNX Runtime, which comes after it, calls
//! libunwind, and the first exception ends the process.
//!
//! So after loading it is looked up where the C++ runtime throws to, and what is bound to another unwinder is bound to
//! that one. Opening the library with `RTLD_DEEPBIND` is no cure: it binds to libgcc_s, which is as wrong where
//! libstdc++ came after GStreamer (a C++ plugin of GStreamer's before this one), goes around a program's own `malloc`,
//! is refused by AddressSanitizer, and does nothing where the program has opened the library already.
//!
//! This reads the dynamic section of ELF files in memory (System V ABI, "Dynamic Linking"), of 64 bits and with
//! explicit addends. Elsewhere nothing is done.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Types of relocations that hold the address of a symbol: of its code, of its data, and in data of the program's own.
#[cfg(target_arch = "x86_64")]
const ADDRESSES: [u32; 3] = [7, 6, 1];
#[cfg(target_arch = "aarch64")]
const ADDRESSES: [u32; 3] = [1026, 1025, 257];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ADDRESSES: [u32; 0] = [];

/// What all functions of an unwinder begin with.
const UNWINDER: &[u8] = b"_Unwind_";
/// The function by which a C++ runtime throws.
const THROW: &CStr = c"_Unwind_RaiseException";
/// The function by which clean-up code of C++ goes on.
const RESUME: &CStr = c"_Unwind_Resume";
/// What C++ code names when it can catch: the C++ runtime has it.
const PERSONALITY: &CStr = c"__gxx_personality_v0";

/// Binds the library that has `inside`, and the C++ runtime that it uses, to one unwinder.
///
/// # Errors
///
/// The system's own, where it lets nobody write to the library's bindings.
pub(super) fn unify(inside: *const c_void) -> std::io::Result<()> {
    let Some((library, runtime, unwinder)) = parts(inside) else {
        return Ok(());
    };
    unwinder.bind(&library)?;
    unwinder.bind(&runtime)
}

/// Whether libraries that the library loads later, as those of an execution provider, will be bound to its unwinder, too.
///
/// They run and throw before they can be bound anew.
pub(super) fn is_that_of_later(inside: *const c_void) -> bool {
    let Some((_, _, unwinder)) = parts(inside) else {
        return true;
    };
    unwinder.function(RESUME) == of_later(RESUME)
}

/// What a function of an unwinder is bound to in a library that is loaded now.
fn of_later(name: &CStr) -> Option<usize> {
    // SAFETY: a null name stands for the whole program, and the others are C strings; both handles are only looked into,
    // and a library that is there stays.
    let address = unsafe {
        let program = libc::dlopen(std::ptr::null(), libc::RTLD_LAZY);
        match libc::dlsym(program, name.as_ptr()) as usize {
            // Then it is the one that comes with the library.
            0 => {
                let own = libc::dlopen(c"libgcc_s.so.1".as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
                if own.is_null() {
                    0
                } else {
                    libc::dlsym(own, name.as_ptr()) as usize
                }
            }
            found => found,
        }
    };
    (address != 0).then_some(address)
}

/// The library that has `inside`, the C++ runtime that it uses, and the unwinder that this throws to.
///
/// `None` where the library throws nothing, or has a C++ runtime of its own inside.
fn parts(inside: *const c_void) -> Option<(Object, Object, Unwinder)> {
    let library = Object::around(inside as usize)?;
    let runtime = library.bound(PERSONALITY).and_then(Object::around)?;
    let throw = runtime.bound(THROW)?;
    let is_bound = Object::around(throw).is_some_and(|it| it.base != runtime.base);
    let unwinder = Unwinder::with(if is_bound { throw } else { first_in_program(THROW)? })?;
    Some((library, runtime, unwinder))
}

/// What a name that is not bound yet will be bound to: the first in the program that has it.
fn first_in_program(name: &CStr) -> Option<usize> {
    // SAFETY: the name is a C string.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) } as usize;
    (address != 0).then_some(address)
}

/// The library that throws and unwinds.
struct Unwinder(*mut c_void);

impl Unwinder {
    /// The unwinder that has a function at this address.
    fn with(function: usize) -> Option<Self> {
        // SAFETY: an all-zero `Dl_info` is valid, and it is valid for writes; the address is only looked up. On success
        // the file name is a C string that lives as long as that library does, which nothing closes here.
        let handle = unsafe {
            let mut info: libc::Dl_info = std::mem::zeroed();
            if libc::dladdr(function as *const c_void, &mut info) == 0 || info.dli_fname.is_null() {
                return None;
            }
            // It is there: this only finds it, and keeps it.
            libc::dlopen(info.dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD)
        };
        (!handle.is_null()).then_some(Unwinder(handle))
    }

    fn function(&self, name: &CStr) -> Option<usize> {
        // SAFETY: the handle is open and stays so, and the name is a C string.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) } as usize;
        (address != 0).then_some(address)
    }

    /// Binds all calls of an object into an unwinder to this one.
    fn bind(&self, object: &Object) -> std::io::Result<()> {
        for (name, slot) in object.slots() {
            if name.to_bytes().starts_with(UNWINDER)
                && let Some(function) = self.function(name)
                && slot.load(Ordering::Relaxed) != function
            {
                object.write(slot, function)?;
            }
        }
        Ok(())
    }
}

/// A loaded ELF file.
struct Object {
    base: usize,
    symbols: *const Symbol,
    names: *const c_char,
    tables: [&'static [Relocation]; 2],
    /// Addresses that the loader made read-only when all was bound.
    sealed: Range<usize>,
}

/// `Elf64_Dyn`.
#[repr(C)]
struct Entry {
    tag: i64,
    value: usize,
}

/// `Elf64_Rela`.
#[repr(C)]
struct Relocation {
    offset: usize,
    info: u64,
    addend: i64,
}

type Symbol = libc::Elf64_Sym;

/// An address, and the object around it once that is found.
struct Search {
    address: usize,
    found: Option<Object>,
}

impl Object {
    /// The object that has this address.
    fn around(address: usize) -> Option<Self> {
        let mut search = Search { address, found: None };
        // SAFETY: the callback gets `search`, which outlives the call.
        unsafe { libc::dl_iterate_phdr(Some(look_at), (&raw mut search).cast()) };
        search.found
    }

    /// Reads where its tables are. `None` for an object without a dynamic section of the kind that is known.
    ///
    /// # Safety
    ///
    /// `info` describes an object that stays loaded.
    unsafe fn of(info: &libc::dl_phdr_info) -> Option<Self> {
        let base = info.dlpi_addr as usize;
        // SAFETY: the loader tells as many program headers as there are.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        let segment = |kind: u32| headers.iter().find(|it| it.p_type == kind);
        let mut entry = (base + segment(libc::PT_DYNAMIC)?.p_vaddr as usize) as *const Entry;
        let mut values = [0; DT_MAX];
        // SAFETY: a dynamic section ends with a tag of zero.
        unsafe {
            while (*entry).tag != 0 {
                if let Some(value) = usize::try_from((*entry).tag)
                    .ok()
                    .and_then(|it| values.get_mut(it))
                {
                    *value = (*entry).value;
                }
                entry = entry.add(1);
            }
        }
        // The loader has made addresses of offsets, but for objects of the kernel.
        let address = |tag: usize| {
            if values[tag] < base {
                base + values[tag]
            } else {
                values[tag]
            }
        };
        let table = |at: usize, size: usize| match values[at] {
            0 => &[][..],
            // SAFETY: the file says where the table is and how long; it is mapped while the object is loaded.
            _ => unsafe {
                let count = values[size] / size_of::<Relocation>();
                std::slice::from_raw_parts(address(at) as *const Relocation, count)
            },
        };
        let has_addends = values[DT_PLTREL] == 0 || values[DT_PLTREL] == DT_RELA;
        let sealed = segment(libc::PT_GNU_RELRO).map_or(0..0, |it| {
            let start = base + it.p_vaddr as usize;
            // Whole pages only, as the loader does it.
            page(start)..page(start + it.p_memsz as usize)
        });
        (values[DT_SYMTAB] != 0 && values[DT_STRTAB] != 0 && has_addends).then(|| Object {
            base,
            symbols: address(DT_SYMTAB) as *const Symbol,
            names: address(DT_STRTAB) as *const c_char,
            tables: [table(DT_JMPREL, DT_PLTRELSZ), table(DT_RELA, DT_RELASZ)],
            sealed,
        })
    }

    /// Where the loader put the addresses of symbols of others, with their names.
    fn slots(&self) -> impl Iterator<Item = (&CStr, &AtomicUsize)> {
        self.tables.iter().copied().flatten().filter_map(|relocation| {
            let (symbol, kind) = ((relocation.info >> 32) as usize, relocation.info as u32);
            if symbol == 0 || relocation.addend != 0 || !ADDRESSES.contains(&kind) {
                return None;
            }
            // SAFETY: a relocation's symbol is in the symbol table, its name in the table of names, and its offset leads
            // to an aligned word of the object, which the loader may write while this reads.
            unsafe {
                let name = CStr::from_ptr(self.names.add((*self.symbols.add(symbol)).st_name as usize));
                Some((name, &*((self.base + relocation.offset) as *const AtomicUsize)))
            }
        })
    }

    /// What a symbol is bound to; an address in the object itself where a function was not called yet.
    fn bound(&self, name: &CStr) -> Option<usize> {
        let (_, slot) = self.slots().find(|(it, _)| *it == name)?;
        Some(slot.load(Ordering::Relaxed)).filter(|&it| it != 0)
    }

    fn write(&self, slot: &AtomicUsize, value: usize) -> std::io::Result<()> {
        let at = page(slot.as_ptr() as usize);
        let is_sealed = self.sealed.contains(&at);
        if is_sealed {
            protect(at, libc::PROT_READ | libc::PROT_WRITE)?;
        }
        // Calls of other threads see the one or the other function.
        slot.store(value, Ordering::Relaxed);
        if is_sealed {
            protect(at, libc::PROT_READ)?;
        }
        Ok(())
    }
}

/// Tags of the dynamic section, by which its values are kept here; none that is used is larger.
const DT_PLTRELSZ: usize = 2;
const DT_STRTAB: usize = 5;
const DT_SYMTAB: usize = 6;
const DT_RELA: usize = 7;
const DT_RELASZ: usize = 8;
const DT_PLTREL: usize = 20;
const DT_JMPREL: usize = 23;
const DT_MAX: usize = 24;

/// Ends the search at the object that has the address.
unsafe extern "C" fn look_at(info: *mut libc::dl_phdr_info, _size: usize, data: *mut c_void) -> c_int {
    // SAFETY: the loader gives a valid description, and `data` is the `Search` of the caller.
    let (info, search) = unsafe { (&*info, &mut *data.cast::<Search>()) };
    // SAFETY: as above, with as many headers as it tells.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let is_around = headers.iter().any(|it| {
        let start = info.dlpi_addr as usize + it.p_vaddr as usize;
        it.p_type == libc::PT_LOAD && (start..start + it.p_memsz as usize).contains(&search.address)
    });
    if is_around {
        // SAFETY: libraries that are asked about have functions in use, so they stay.
        search.found = unsafe { Object::of(info) };
    }
    is_around.into()
}

/// The start of the page that has this address.
fn page(address: usize) -> usize {
    // SAFETY: a question that changes nothing.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    address & !(usize::try_from(size).unwrap_or(4096) - 1)
}

fn protect(page: usize, access: c_int) -> std::io::Result<()> {
    // SAFETY: the page is one of the loader's own tables; it stays readable throughout.
    match unsafe { libc::mprotect(page as *mut c_void, 1, access) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This program's own unwinder; a program of Rust's is linked to one.
    #[test]
    fn an_object_tells_what_its_calls_are_bound_to() {
        let object = Object::around(page as *const () as usize).unwrap();
        let mut calls = object
            .slots()
            .filter(|(name, _)| name.to_bytes().starts_with(UNWINDER));
        let (name, slot) = calls.next().unwrap();
        assert!(Object::around(slot.load(Ordering::Relaxed)).is_some(), "{name:?}");
        assert!(object.bound(c"no such function").is_none());
        assert!(Object::around(1).is_none());
    }

    #[test]
    fn a_word_behind_the_seal_can_be_written_and_is_sealed_again() {
        let object = Object::around(page as *const () as usize).unwrap();
        let sealed = object
            .slots()
            .find(|(_, slot)| object.sealed.contains(&page(slot.as_ptr() as usize)));
        let Some((_, slot)) = sealed else { return };
        object.write(slot, slot.load(Ordering::Relaxed)).unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| {
            let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let end = usize::from_str_radix(end, 16).unwrap();
            (usize::from_str_radix(start, 16).unwrap()..end).contains(&(slot.as_ptr() as usize))
        });
        assert!(line.unwrap().contains(" r--p "), "{line:?}");
    }
}
