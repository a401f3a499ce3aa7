//go:build !linux

package sqlite_test

import (
	"context"
	"errors"
)

// The children that gate or trace their syncs are Linux's.
func unsupported(context.Context, string, []string) error { return errors.ErrUnsupported }

var childSynced, childFailed, childLone = unsupported, unsupported, unsupported

func syncCount() int64 { return 0 }
