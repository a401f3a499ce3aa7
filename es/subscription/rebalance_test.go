package subscription

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/esgen-go/esgen/es"
)

// Whatever a group is like, its members come to fair shares by their own plans, made one after the other from what
// each sees, and no partition moves that need not.
func TestPlansLeadToFairSharesWithTheFewestMoves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		living := make([]uuid.UUID, rapid.IntRange(1, 9).Draw(t, "members"))
		for i := range living {
			living[i] = uuid.UUID{1, byte(i)}
		}
		dead := uuid.UUID{2}
		owners := append(slices.Clone(living), dead, uuid.Nil)
		partitions := make([]es.Partition, rapid.IntRange(1, 40).Draw(t, "partitions"))
		owned := map[uuid.UUID]int{}
		for i := range partitions {
			owner := rapid.SampledFrom(owners).Draw(t, "owner")
			partitions[i] = es.Partition{Claim: es.Claim{Partition: i, Epoch: 1}, Owner: owner}
			owned[owner]++
		}
		// The fewest moves: what nobody living has, and what is above the largest shares.
		counts := make([]int, 0, len(living))
		for _, id := range living {
			counts = append(counts, owned[id])
		}
		slices.Sort(counts)
		slices.Reverse(counts)
		fewest := owned[dead] + owned[uuid.Nil]
		for i, n := range counts {
			share := len(partitions) / len(living)
			if i < len(partitions)%len(living) {
				share++
			}
			fewest += max(0, n-share)
		}
		moves := 0
		for quiet := 0; quiet < len(living); {
			id := living[rapid.IntRange(0, len(living)-1).Draw(t, "turn")]
			release, claim := plan(id, living, partitions)
			if len(release)+len(claim) == 0 {
				quiet = 0
				for _, other := range living { // does anybody want anything?
					if r, c := plan(other, living, partitions); len(r)+len(c) == 0 {
						quiet++
					}
				}
				continue
			}
			quiet = 0
			for _, c := range release {
				if partitions[c.Partition].Owner != id {
					t.Fatalf("a member releases partition %d, which is not its own", c.Partition)
				}
				partitions[c.Partition].Owner = uuid.Nil
			}
			for _, c := range claim {
				if slices.Contains(living, partitions[c.Partition].Owner) {
					t.Fatalf("a member claims partition %d from a living one", c.Partition)
				}
				partitions[c.Partition].Owner = id
				moves++
			}
			if moves > fewest {
				t.Fatalf("%d moves, where %d are enough", moves, fewest)
			}
		}
		got := map[uuid.UUID]int{}
		for _, p := range partitions {
			got[p.Owner]++
		}
		for _, id := range living {
			if n := got[id]; n < len(partitions)/len(living) || n > (len(partitions)+len(living)-1)/len(living) {
				t.Fatalf("a member has %d of %d partitions, there are %d members", n, len(partitions), len(living))
			}
		}
	})
}

func TestAMemberIsDeadAfterALeaseOfWatchedSilence(t *testing.T) {
	t.Parallel()
	self, other := uuid.UUID{1}, uuid.UUID{2}
	state := func(beat int64) es.GroupState {
		return es.GroupState{Members: []es.Member{{ID: self, Beat: 1}, {ID: other, Beat: beat}}}
	}
	now := time.Unix(0, 0)
	w := watch{lease: 6 * time.Second, gap: 2 * time.Second, silent: map[uuid.UUID]silence{}}
	look := func(after time.Duration, beat int64, alive bool) {
		t.Helper()
		now = now.Add(after)
		w.observe(now, self, state(beat))
		if got := slices.Contains(w.living(self, state(beat)), other); got != alive {
			t.Fatalf("after %v, at beat %d, the other member is thought to be alive: %t", after, beat, got)
		}
	}
	look(0, 7, true)
	for range 5 {
		look(time.Second, 7, true)
	}
	look(time.Second, 7, false)
	look(time.Second, 8, true) // it was alive after all
	look(time.Hour, 8, true)   // this process was paused itself: that is nobody's silence
	look(time.Hour, 8, true)
	look(time.Hour, 8, false)
	if !slices.Contains(w.living(self, es.GroupState{}), self) {
		t.Fatal("a member takes itself for dead")
	}
}

func TestBackoffGrowsUpToItsLimit(t *testing.T) {
	t.Parallel()
	b := Backoff{First: 100 * time.Millisecond, Max: time.Second}
	for attempt, base := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 4: 800 * time.Millisecond, 5: time.Second, 1000: time.Second} {
		for range 100 {
			if d := b.wait(attempt); d < base/2 || d >= base*3/2 {
				t.Fatalf("after attempt %d it waits %v, want %v give or take half", attempt, d, base)
			}
		}
	}
}

func TestTheRateIsThatOfTheLastSeconds(t *testing.T) {
	t.Parallel()
	var r rate
	now := time.Unix(1000, 0)
	if got := r.perSecond(now); got != 0 {
		t.Fatalf("before anything the rate is %v", got)
	}
	for range 30 {
		now = now.Add(time.Second)
		r.add(now, 50)
	}
	if got := r.perSecond(now); got != 50 {
		t.Fatalf("the rate is %v, want 50", got)
	}
	if got := r.perSecond(now.Add(5 * time.Second)); got != 25 {
		t.Fatalf("five seconds later the rate is %v, want 25", got)
	}
	if got := r.perSecond(now.Add(time.Hour)); got != 0 {
		t.Fatalf("an hour later the rate is %v, want 0", got)
	}
}
