package demo

import (
	"context"
	"iter"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
)

func TestTheClaimsHold(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := RunIn(t.Context(), &out, memory.New()); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	if n := strings.Count(out.String(), "✓"); n != 10 {
		t.Errorf("%d claims hold, want 10:\n%s", n, &out)
	}
}

// spoiled is a store that breaks its promises.
type spoiled struct {
	*memory.Store
	expectNothing, keepNoSnapshot, renewIDs, forgetTimes bool
}

func (s spoiled) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	for i := range writes {
		if s.expectNothing {
			writes[i].Expect = es.Any
		}
		for j := range writes[i].Events {
			if s.renewIDs {
				writes[i].Events[j].ID = es.NewID()
			}
		}
	}
	return s.Store.Append(ctx, writes...)
}

func (s spoiled) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	if s.keepNoSnapshot {
		q.Fingerprint = ""
	}
	if s.forgetTimes && !q.AsOf.IsZero() {
		q.AsOf = q.AsOf.AddDate(1, 0, 0)
	}
	return s.Store.Load(ctx, q)
}

func TestAClaimThatDoesNotHoldIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		store spoiled
		want  string
	}{
		"a store that ignores the expected version": {spoiled{expectNothing: true}, "the second decision was made on an outdated balance"},
		"a store that forgets what was appended":    {spoiled{renewIDs: true}, "it was found done"},
		"a store that keeps no snapshot":            {spoiled{keepNoSnapshot: true}, "events instead of"},
		"a store that does not know the time":       {spoiled{forgetTimes: true}, "any moment can be looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.store.Store = memory.New()
			var out strings.Builder
			err := RunIn(t.Context(), &out, c.store)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(out.String(), "NOT SO: ") {
				t.Errorf("the demo ends with %v, want it to deny %q:\n%s", err, c.want, &out)
			}
		})
	}
}
