package sqlite_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// syncGate sees every fsync and fdatasync of this process before the kernel runs it,
// by way of a seccomp filter that notifies user space. Such a filter can't be taken off
// again, so it is installed in child processes and for benchmarks alone.
type syncGate struct {
	listener int
	count    atomic.Int64
	spent    atomic.Int64 // unused by tests that don't measure
	decide   func(file string) unix.Errno
}

type seccompNotif struct {
	ID    uint64
	PID   uint32
	Flags uint32
	Data  struct {
		NR                 int32
		Arch               uint32
		InstructionPointer uint64
		Args               [6]uint64
	}
}

type seccompResponse struct {
	ID    uint64
	Val   int64
	Error int32
	Flags uint32
}

const (
	seccompSetModeFilter = 1
	filterTSYNC          = 1 << 0
	filterNewListener    = 1 << 3
	filterTSYNCESRCH     = 1 << 4
	retUserNotif         = 0x7fc00000
	retAllow             = 0x7fff0000
	notifContinue        = 1
	seccompIoctlRecv     = 0xc0502100
	seccompIoctlSend     = 0xc0182101
	bpfLoadWordAbs       = 0x20
	bpfJumpEqual         = 0x15
	bpfReturn            = 0x06
	seccompDataNROffset  = 0
)

// gateSyncs installs the filter. decide is called before each sync with the file's
// path: 0 lets the kernel run it, an error is what the sync then returns without having
// been run. It returns an error where the kernel or the sandbox has no such filters.
func gateSyncs(decide func(file string) unix.Errno) (*syncGate, error) {
	program := []unix.SockFilter{
		{Code: bpfLoadWordAbs, K: seccompDataNROffset},
		{Code: bpfJumpEqual, Jt: 1, K: unix.SYS_FSYNC},
		{Code: bpfJumpEqual, Jf: 1, K: unix.SYS_FDATASYNC},
		{Code: bpfReturn, K: retUserNotif},
		{Code: bpfReturn, K: retAllow},
	}
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("no_new_privs: %w", err)
	}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, seccompSetModeFilter,
		filterTSYNC|filterTSYNCESRCH|filterNewListener, uintptr(unsafe.Pointer(&fprog)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return nil, fmt.Errorf("seccomp filter with a listener: %w", errno)
	}
	g := &syncGate{listener: int(fd), decide: decide}
	go g.serve()
	return g, nil
}

func (g *syncGate) serve() {
	for {
		var n seccompNotif
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(g.listener), seccompIoctlRecv, uintptr(unsafe.Pointer(&n))); errno != 0 {
			if errno == unix.EINTR || errno == unix.ENOENT {
				continue
			}
			panic(fmt.Sprintf("receiving a seccomp notification: %v", errno))
		}
		g.count.Add(1)
		r := seccompResponse{ID: n.ID, Flags: notifContinue}
		if g.decide != nil {
			file, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", int32(n.Data.Args[0])))
			if errno := g.decide(file); errno != 0 {
				r.Flags, r.Error = 0, -int32(errno)
			}
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(g.listener), seccompIoctlSend, uintptr(unsafe.Pointer(&r)))
	}
}

var _ = strings.TrimSpace
var _ = time.Now
var _ testing.TB
