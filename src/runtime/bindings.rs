// SPDX-License-Identifier: MPL-2.0

//! What a loaded library's calls are bound to, and to bind them to something else.
//!
//! This reads the dynamic section of ELF files in memory (System V ABI, "Dynamic Linking"), of 64 bits and with
//! explicit addends. Elsewhere nothing is found.

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

/// A loaded ELF file.
pub(super) struct Object {
    pub(super) base: usize,
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
    pub(super) fn around(address: usize) -> Option<Self> {
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
    pub(super) fn slots(&self) -> impl Iterator<Item = (&CStr, &AtomicUsize)> {
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
    pub(super) fn bound(&self, name: &CStr) -> Option<usize> {
        let (_, slot) = self.slots().find(|(it, _)| *it == name)?;
        Some(slot.load(Ordering::Relaxed)).filter(|&it| it != 0)
    }

    /// Binds a slot to another address.
    ///
    /// # Errors
    ///
    /// The system's own, where it lets nobody write there.
    pub(super) fn write(&self, slot: &AtomicUsize, value: usize) -> std::io::Result<()> {
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

    #[test]
    fn an_object_tells_what_its_calls_are_bound_to() {
        let object = Object::around(page as *const () as usize).unwrap();
        // This program's own unwinder; a program of Rust's is linked to one.
        let mut calls = object
            .slots()
            .filter(|(name, _)| name.to_bytes().starts_with(b"_Unwind_"));
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
