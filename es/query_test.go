package es_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
)

func TestQueriesRefuseWhatCanNotExist(t *testing.T) {
	t.Parallel()
	s := es.Stream{Category: "account", ID: "7"}
	bad := es.Stream{Category: "account", ID: "a b"}
	for name, c := range map[string]struct {
		query interface{ Validate() error }
		is    error // nil: it is taken
		says  string
	}{
		"read":                        {es.ReadQuery{Stream: s, From: 3, Limit: 1}, nil, ""},
		"read of a bad stream":        {es.ReadQuery{Stream: bad}, es.ErrInvalidStream, `"a b"`},
		"read from":                   {es.ReadQuery{Stream: s, From: -1}, es.ErrNegative, "From is -1"},
		"read limit":                  {es.ReadQuery{Stream: s, Limit: -2}, es.ErrNegative, "Limit is -2"},
		"load":                        {es.LoadQuery{Stream: s, Fingerprint: "f", UpTo: 1}, nil, ""},
		"load without snapshots":      {es.LoadQuery{Stream: s}, nil, ""},
		"load of a bad stream":        {es.LoadQuery{Stream: bad}, es.ErrInvalidStream, `"a b"`},
		"load up to":                  {es.LoadQuery{Stream: s, UpTo: -1}, es.ErrNegative, "UpTo is -1"},
		"load with a bad fingerprint": {es.LoadQuery{Stream: s, Fingerprint: "\xff"}, es.ErrInvalidName, "fingerprint"},
		"feed":                        {es.FeedQuery{After: 1, UpTo: 2, Limit: 3, Categories: []string{"account"}, Types: []string{"account.opened"}}, nil, ""},
		"feed after":                  {es.FeedQuery{After: -1}, es.ErrNegative, "After is -1"},
		"feed up to":                  {es.FeedQuery{UpTo: -1}, es.ErrNegative, "UpTo is -1"},
		"feed limit":                  {es.FeedQuery{Limit: -1}, es.ErrNegative, "Limit is -1"},
		"feed of a bad category":      {es.FeedQuery{Categories: []string{"Account"}}, es.ErrInvalidStream, `"Account"`},
		"feed of a bad type":          {es.FeedQuery{Types: []string{"a b"}}, es.ErrInvalidType, "event type"},
		"list":                        {es.ListQuery{Category: "account", After: "7", Limit: 1}, nil, ""},
		"list of a bad category":      {es.ListQuery{Category: "Account"}, es.ErrInvalidStream, `"Account"`},
		"list after a bad id":         {es.ListQuery{Category: "account", After: "a b"}, es.ErrInvalidStream, `"a b"`},
		"list limit":                  {es.ListQuery{Category: "account", Limit: -1}, es.ErrNegative, "Limit is -1"},
		"snapshot":                    {es.Snapshot{Stream: s, Fingerprint: strings.Repeat("f", 200)}, nil, ""},
		"snapshot without":            {es.Snapshot{Stream: s}, es.ErrInvalidName, "fingerprint"},
		"snapshot of a bad stream":    {es.Snapshot{Stream: bad, Fingerprint: "f"}, es.ErrInvalidStream, `"a b"`},
		"position":                    {es.Position(0), nil, ""},
		"negative position":           {es.Position(-1), es.ErrNegative, "position is -1"},
	} {
		err := c.query.Validate()
		if !errors.Is(err, c.is) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: Validate() = %v; want one that is %v and says %q", name, err, c.is, c.says)
		}
	}
}
