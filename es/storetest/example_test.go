package storetest_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/es/storetest"
)

// The whole test of a store that keeps its events in a file.
func ExampleRun() {
	t := new(testing.T) // that of the test

	_ = func() {
		storetest.Run(t, storetest.Harness{
			Place:    func(t testing.TB) string { return filepath.Join(t.TempDir(), "events.db") },
			Open:     func(ctx context.Context, place string) (es.Store, error) { return sqlite.Open(ctx, place) },
			Complete: true, // it has all optional interfaces
		})
	}
}
