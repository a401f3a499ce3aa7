//go:build unix

package sqlite_test

import (
	"os/exec"
	"syscall"
)

// unprivileged makes a command run as nobody.
func unprivileged(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return cmd
}
