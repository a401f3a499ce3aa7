package sqlite_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// syncGate sees every fsync and fdatasync of this process before the kernel runs it, by
// way of a seccomp filter that notifies user space (Linux 5.7). Such a filter stays
// for the life of the process, so it is installed in children and by benchmarks alone.
type syncGate struct {
	listener uintptr
	count    atomic.Int64
	decide   func(file string) unix.Errno
}

// seccompNotification and seccompResponse are struct seccomp_notif and
// seccomp_notif_resp of linux/seccomp.h, and the numbers are from there as well.
type seccompNotification struct {
	id    uint64
	pid   uint32
	flags uint32
	data  struct {
		number             int32
		arch               uint32
		instructionPointer uint64
		args               [6]uint64
	}
}

type seccompResponse struct {
	id       uint64
	value    int64
	negErrno int32
	flags    uint32
}

const (
	seccompSetModeFilter   = 1
	seccompFilterFlags     = 1<<0 | 1<<3 | 1<<4 // TSYNC, NEW_LISTENER, TSYNC_ESRCH
	seccompReturnNotify    = 0x7fc00000
	seccompReturnAllow     = 0x7fff0000
	seccompContinue        = 1
	seccompIoctlReceive    = 0xc0502100
	seccompIoctlSend       = 0xc0182101
	bpfLoadWord            = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	bpfJumpIfEqual         = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	bpfReturn              = unix.BPF_RET | unix.BPF_K
	offsetOfTheCallsNumber = 0
)

// gateSyncs installs the filter. decide, unless nil, is called before each sync with the
// file's path: 0 lets the kernel run the sync, an error is what it returns without having
// been run. The error says that the kernel or a sandbox has no such filters.
func gateSyncs(decide func(file string) unix.Errno) (*syncGate, error) {
	program := []unix.SockFilter{
		{Code: bpfLoadWord, K: offsetOfTheCallsNumber},
		{Code: bpfJumpIfEqual, Jt: 1, K: unix.SYS_FSYNC},
		{Code: bpfJumpIfEqual, Jf: 1, K: unix.SYS_FDATASYNC},
		{Code: bpfReturn, K: seccompReturnNotify},
		{Code: bpfReturn, K: seccompReturnAllow},
	}
	loaded := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("setting no_new_privs: %w", err)
	}
	listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, seccompSetModeFilter, seccompFilterFlags, uintptr(unsafe.Pointer(&loaded)))
	if errno != 0 {
		return nil, fmt.Errorf("installing a seccomp filter that notifies: %w", errno)
	}
	g := &syncGate{listener: listener, decide: decide}
	go g.serve()
	return g, nil
}

func (g *syncGate) serve() {
	for {
		var n seccompNotification
		switch _, _, errno := unix.Syscall(unix.SYS_IOCTL, g.listener, seccompIoctlReceive, uintptr(unsafe.Pointer(&n))); errno {
		case 0:
		case unix.EINTR, unix.ENOENT: // the call was interrupted, here or there
			continue
		default:
			panic(fmt.Sprintf("receiving a notification of seccomp: %v", errno))
		}
		g.count.Add(1)
		r := seccompResponse{id: n.id, flags: seccompContinue}
		if g.decide != nil {
			file, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", int32(n.data.args[0])))
			if errno := g.decide(file); errno != 0 {
				r.flags, r.negErrno = 0, -int32(errno)
			}
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, g.listener, seccompIoctlSend, uintptr(unsafe.Pointer(&r)))
	}
}

var counting struct {
	sync.Once
	gate *syncGate
}

// syncCount returns how many syncs this process has made since it was first called; 0
// for ever where they can't be counted.
func syncCount() int64 {
	counting.Do(func() { counting.gate, _ = gateSyncs(nil) })
	if counting.gate == nil {
		return 0
	}
	return counting.gate.count.Load()
}
