//go:build !unix

package sqlite_test

import "os/exec"

// Nobody is root here.
func unprivileged(cmd *exec.Cmd) *exec.Cmd { return cmd }
