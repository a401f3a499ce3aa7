//go:build !linux

package sqlite_test

import (
	"context"
	"errors"
	"os/exec"
)

// The children that gate or trace their syncs are Linux's.
func unsupported(context.Context, string, []string) error { return errors.ErrUnsupported }

var childSynced, childFailed, childLone = unsupported, unsupported, unsupported

func unprivileged(cmd *exec.Cmd) (*exec.Cmd, bool) { return cmd, false }

func syncCount() int64 { return 0 }
