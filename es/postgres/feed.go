package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/esgen-go/esgen/es"
)

const (
	readFeed = `SELECT ` + recordedColumns + ` FROM {schema}.events
WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3`

	// readFeedFiltered filters what the inner query yields in order of position: were the
	// conditions merged, the index on the category might be taken, and all its events be
	// sorted.
	readFeedFiltered = `SELECT ` + recordedColumns + ` FROM (
	SELECT * FROM {schema}.events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $6) e
WHERE ($4::text[] IS NULL OR category = ANY ($4::text[])) AND ($5::text[] IS NULL OR type = ANY ($5::text[]))
ORDER BY position LIMIT $3`
)

// filteredRange is how many positions one query of a filtered read looks at, so
// that none runs for long.
const filteredRange = 100_000

// Head implements [es.Feed].
func (s *Store) Head(ctx context.Context) (es.Position, error) {
	head, err := s.fence.head(ctx, 0)
	if err != nil {
		return 0, fmt.Errorf("reading the head of the feed: %w", err)
	}
	return head, nil
}

// ReadAll implements [es.Feed]. An event whose append has returned is held back as
// long as a transaction is open that may yet take a place before it: for some
// milliseconds under load, or as long as an open [Store.AppendTx]. See [Store.FeedStatus].
func (s *Store) ReadAll(ctx context.Context, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
	return func(yield func(es.Recorded, error) bool) {
		if err := s.readAll(ctx, q, func(rec es.Recorded) bool { return yield(rec, nil) }); err != nil {
			yield(es.Recorded{}, fmt.Errorf("reading the feed after position %d: %w", q.After, err))
		}
	}
}

func (s *Store) readAll(ctx context.Context, q es.FeedQuery, yield func(es.Recorded) bool) error {
	if err := q.Validate(); err != nil {
		return err
	}
	scanned := func(p es.Position) {
		if q.Scanned != nil {
			*q.Scanned = p
		}
	}
	scanned(q.After)
	enough := q.UpTo
	if enough > 0 {
		enough = max(enough, q.After)
	}
	head, err := s.fence.head(ctx, enough)
	if err != nil {
		return err
	}
	reached := head
	if s.fence.committed(q.After) { // another process was ahead: there is nothing to read yet
		reached = max(reached, q.After)
	}
	if err := s.within(q.After, reached); err != nil {
		return err
	}
	if q.UpTo > 0 {
		head = min(head, q.UpTo)
	}
	filtered := len(q.Categories)+len(q.Types) > 0
	p := s.pager(q.Limit)
	page := recordedPages.Get().(*recordedPage)
	defer page.free()
	n := 0
	for after := max(q.After, 0); after < head; {
		asked, upTo := p.rows, head
		if q.Limit > 0 {
			asked = min(asked, q.Limit-n)
		}
		sql, args := s.sql.readFeed, []any{int64(after), int64(upTo), asked}
		if filtered {
			upTo = min(head, after+filteredRange)
			sql, args = s.sql.readFeedFiltered, []any{int64(after), int64(upTo), asked, filter(q.Categories), filter(q.Types), filteredRange}
		}
		cut, err := p.query(ctx, sql, args, page.reset, page.add)
		if err != nil {
			return err
		}
		for i := range page.events {
			if err := ctx.Err(); err != nil {
				return err
			}
			after = page.events[i].Position
			scanned(after)
			if !yield(page.events[i]) {
				return nil
			}
			if n++; n == q.Limit {
				return nil
			}
		}
		if !cut && len(page.events) < asked { // the range has no more
			after = upTo
		}
	}
	end := max(q.After, head)
	if beyond, lost := errors.AsType[*es.BeyondHeadError](s.within(end, end)); lost { // no reader may go on from there
		end = max(q.After, beyond.Head)
	}
	scanned(end)
	return nil
}

// filter makes names NULL, which filters nothing, if there are none.
func filter(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return names
}
