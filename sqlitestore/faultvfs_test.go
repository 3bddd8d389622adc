package sqlitestore_test

import (
	"io"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// A faultKind is what becomes of an I/O operation that fails.
type faultKind int

const (
	failBefore faultKind = iota // it is not done
	failTorn                    // half of it is done
	failAfter                   // all of it is done
)

func (k faultKind) String() string { return [...]string{"before", "torn", "after"}[k] }

// A faultVFS is the system's file system, some operations of which fail on demand: reads, writes, syncs, truncates, deletes, locks,
// opens and questions for the size. It counts them.
type faultVFS struct {
	vfs.VFSFilename

	mu    sync.Mutex
	count int
	first int // operations from this one on fail, 0: none
	last  int
	kind  faultKind
	err   error
	full  bool // only what needs space fails

	// failing, if not nil, is called when the first of them fails.
	failing func()
}

func newFaultVFS() *faultVFS { return &faultVFS{VFSFilename: vfs.Find("os").(vfs.VFSFilename)} }

// arm makes the n-th operation from now on fail, and those after it, some in all.
func (v *faultVFS) arm(n, some int, kind faultKind, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count, v.first, v.last, v.kind, v.err = 0, n, n+some-1, kind, err
}

// heal ends all failures, and reports whether there was one.
func (v *faultVFS) heal() (happened bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	happened = v.first > 0 && v.count >= v.first
	v.first = 0
	return happened
}

// do does an operation, or fails.
func (v *faultVFS) do(op func(torn bool) error) error {
	if v.full {
		return op(false)
	}
	return v.fail(op)
}

func (v *faultVFS) fail(op func(torn bool) error) error {
	v.mu.Lock()
	v.count++
	fails, kind, err := v.first > 0 && v.first <= v.count && v.count <= v.last, v.kind, v.err
	if fails && v.count == v.first && v.failing != nil {
		v.failing()
	}
	v.mu.Unlock()
	if !fails {
		return op(false)
	}
	if kind != failBefore {
		_ = op(kind == failTorn)
	}
	return err
}

func (v *faultVFS) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return nil, 0, sqlite3.CANTOPEN // OpenFilename is called instead
}

func (v *faultVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (file vfs.File, out vfs.OpenFlag, err error) {
	err = v.do(func(bool) error {
		file, out, err = v.VFSFilename.OpenFilename(name, flags)
		return err
	})
	if err != nil {
		if file != nil {
			file.Close()
		}
		return nil, flags, err
	}
	return &faultFile{file, v}, out, nil
}

func (v *faultVFS) Delete(name string, syncDir bool) error {
	return v.do(func(bool) error { return v.VFSFilename.Delete(name, syncDir) })
}

func (v *faultVFS) Access(name string, flags vfs.AccessFlag) (ok bool, err error) {
	err = v.do(func(bool) error { ok, err = v.VFSFilename.Access(name, flags); return err })
	return ok, err
}

type faultFile struct {
	vfs.File
	vfs *faultVFS
}

func (f *faultFile) ReadAt(p []byte, off int64) (n int, err error) {
	failed := f.vfs.do(func(torn bool) error {
		if torn {
			p = p[:len(p)/2]
		}
		n, err = f.File.ReadAt(p, off)
		if err == io.EOF {
			return nil
		}
		return err
	})
	if failed != nil {
		return 0, failed
	}
	return n, err
}

func (f *faultFile) WriteAt(p []byte, off int64) (n int, err error) {
	do := f.vfs.do
	if size, err := f.File.Size(); err == nil && off+int64(len(p)) > size {
		do = f.vfs.fail
	}
	err = do(func(torn bool) error {
		if torn {
			p = p[:len(p)/2]
		}
		n, err = f.File.WriteAt(p, off)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (f *faultFile) Truncate(size int64) error {
	return f.vfs.do(func(bool) error { return f.File.Truncate(size) })
}

func (f *faultFile) Sync(flags vfs.SyncFlag) error {
	return f.vfs.do(func(bool) error { return f.File.Sync(flags) })
}

func (f *faultFile) Size() (size int64, err error) {
	err = f.vfs.do(func(bool) error { size, err = f.File.Size(); return err })
	return size, err
}

// A lock that is taken and reported as not taken would never be released: SQLite has no way to know. So locks fail before.
func (f *faultFile) Lock(lock vfs.LockLevel) error {
	held := false
	err := f.vfs.do(func(bool) error { held = true; return f.File.Lock(lock) })
	if err != nil && held && f.vfs.kind != failBefore {
		_ = f.File.Unlock(vfs.LOCK_NONE)
	}
	return err
}

func (f *faultFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }
func (f *faultFile) Unwrap() vfs.File               { return f.File }
