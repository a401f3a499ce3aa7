package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

// FuzzDamagedFile overwrites a part of a store's file, and cuts or lengthens it. What
// can still be read may be wrong, but nothing panics or hangs.
func FuzzDamagedFile(f *testing.F) {
	if testing.Short() {
		f.Skip("-short: it is about files, not goroutines")
	}
	sound := filepath.Join(f.TempDir(), "events.db")
	s := open(f, sound)
	for i := range 40 {
		e := event()
		e.Meta.Actor = "somebody"
		e.Data = fmt.Appendf(nil, "%q", strings.Repeat("x", 10*i))
		if i == 20 {
			e.Data = fmt.Appendf(nil, "%q", strings.Repeat("x", 5000)) // pages of overflow
		}
		if _, err := s.Append(f.Context(), write(fmt.Sprint(i%7), es.Any, e)); err != nil {
			f.Fatal(err)
		}
	}
	ctx := f.Context()
	snapshot := es.Snapshot{Stream: write("1", es.Any).Stream, Version: 2, Fingerprint: "f", Data: []byte("state")}
	if err := errors.Join(s.SaveSnapshot(ctx, snapshot), s.SaveCheckpoint(ctx, "reader", 7), s.Close()); err != nil {
		f.Fatal(err)
	}
	image, err := os.ReadFile(sound)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte("not SQLite"), int32(0))
	f.Add(uint32(100), []byte{0x05, 0xff, 0xff, 0xff}, int32(0)) // the first page's header
	for page := uint32(1); page < uint32(len(image)/4096); page++ {
		f.Add(4096*page, []byte{0x0d, 0, 0, 0xff, 0xff}, int32(0))
		f.Add(4096*page+4000, []byte{0xff, 0xff, 0xff, 0xff, 0xff}, int32(0))
	}
	f.Add(uint32(0), []byte(nil), int32(-5000))
	f.Add(uint32(0), []byte(nil), int32(5000))
	f.Fuzz(func(t *testing.T, at uint32, with []byte, resize int32) {
		damaged := append([]byte(nil), image...)
		if int(at) < len(damaged) {
			copy(damaged[at:], with)
		}
		if size := len(damaged) + int(resize); size >= 0 && size < 1<<20 {
			damaged = append(damaged, make([]byte, max(0, int(resize)))...)[:size]
		}
		path := filepath.Join(t.TempDir(), "events.db")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s, err := sqlite.Open(ctx, path, sqlite.WithDurability(sqlite.Relaxed))
		if err != nil {
			return
		}
		defer s.Close()
		for i := range 7 {
			stream := write(fmt.Sprint(i), es.Any).Stream
			_ = drain(s.Load(ctx, es.LoadQuery{Stream: stream, Fingerprint: "f", Unless: es.NewID()}))
			_ = drain(s.Read(ctx, es.ReadQuery{Stream: stream, Backwards: true}))
		}
		_ = drain(s.ReadAll(ctx, es.FeedQuery{Limit: 1000}))
		_ = drain(s.ReadAll(ctx, es.FeedQuery{Categories: []string{"thing"}, Types: []string{"happened"}, Limit: 1000}))
		_ = drain(s.Streams(ctx, es.ListQuery{Category: "thing", Limit: 1000}))
		_, _ = s.Head(ctx)
		_, _ = s.Checkpoint(ctx, "reader")
		_ = s.SaveCheckpoint(ctx, "reader", 8)
		_ = s.SaveSnapshot(ctx, snapshot)
		_, _ = s.Append(ctx, write("1", es.Any, event(), event()), write("new", es.NoStream, event()))
		if err := ctx.Err(); err != nil {
			t.Fatal("a call hangs")
		}
	})
}

// drain reads to the end, or to the first error.
func drain[T any](all iter.Seq2[T, error]) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
