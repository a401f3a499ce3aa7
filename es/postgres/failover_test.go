package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/internal/pgtest"
)

// The primary is killed under load and its synchronous standby promoted. The store was opened with the
// addresses of both.
func TestNothingIsLostInAFailoverToASynchronousStandby(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("two servers take some seconds")
	}
	primary := pgtest.New(t)
	standby := primary.Standby(t)
	w := newWorldAt(t, "failover "+strings.Replace(primary.URL(), primary.Addr(), primary.Addr()+","+standby.Addr(), 1)+"&target_session_attrs=read-write")

	const writers, appends = 8, 150
	var acknowledged atomic.Int64
	half := make(chan struct{}, writers+1)
	var running sync.WaitGroup
	for i := range writers {
		running.Go(func() {
			for n := range appends {
				r, err := w.store.Append(w.ctx, write(stream(fmt.Sprint("own-", i)), es.Exactly(es.Version(n)), 1))
				if err != nil || r.Duplicate || r.Streams[0].Last != es.Version(n+1) {
					t.Errorf("append %d of writer %d: %+v, %v", n, i, r, err)
					half <- struct{}{}
					return
				}
				if acknowledged.Add(1) == writers*appends/2 {
					half <- struct{}{}
				}
			}
		})
	}
	<-half
	primary.Kill()
	standby.Promote(t)
	running.Wait()

	seen := map[es.Stream]es.Version{}
	for rec, err := range w.store.ReadAll(w.ctx, es.FeedQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[rec.Stream]++; rec.Version != seen[rec.Stream] {
			t.Fatalf("the feed has version %d of %s where %d should be", rec.Version, rec.Stream, seen[rec.Stream])
		}
	}
	for i := range writers {
		if got := seen[stream(fmt.Sprint("own-", i))]; got != appends {
			t.Errorf("writer %d: %d events are stored, %d were acknowledged", i, got, appends)
		}
	}
	if err := w.store.Health(w.ctx); err != nil {
		t.Error(err)
	}
}
