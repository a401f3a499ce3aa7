package subscription

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// What is told last is how things are, whichever goroutine tells it: that which delivers, or that which gives signs of life.
func TestChangesAreToldOneAtATime(t *testing.T) {
	t.Parallel()
	const goroutines, each = 4, 1000
	var telling, together atomic.Int64
	last := -1
	track := &tracking{changed: func(s Status) {
		if telling.Add(1) > 1 {
			together.Add(1)
		}
		runtime.Gosched() // to another one that has something to tell
		last = s.Parked
		telling.Add(-1)
	}}
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range each {
				track.note(func() { track.aside++ })
			}
		})
	}
	all.Wait()
	if n := together.Load(); n > 0 {
		t.Errorf("%d changes were told while another one was", n)
	}
	if last != goroutines*each {
		t.Errorf("told last was that %d streams are parked, of %d", last, goroutines*each)
	}
}
