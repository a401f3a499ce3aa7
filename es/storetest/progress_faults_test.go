package storetest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var progressFaults = []fault{
	{"Progress/Moves", "acknowledges progress and forgets it", func(b *broken, j *journal) {
		b.record = func(ctxt, es.Progress) error { return nil }
	}},
	{"Progress/Fenced", "does not look where the checkpoint is", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			p.From, _ = j.Checkpoint(ctx, p.Name)
			if p.To < p.From {
				return j.SaveCheckpoint(ctx, p.Name, p.To)
			}
			return j.Record(ctx, p)
		}
	}},
	{"Progress/AllOrNothing", "parks before it looks where the checkpoint is", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			at, _ := j.Checkpoint(ctx, p.Name)
			_ = j.Record(ctx, es.Progress{Name: p.Name, From: at, To: at, Park: p.Park, Unpark: p.Unpark})
			return j.Record(ctx, p)
		}
	}},
	{"Progress/BeyondHead", "records progress beyond the head as up to it", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			head, _ := j.Head(ctx)
			p.To = min(p.To, head)
			return j.Record(ctx, p)
		}
	}},
	{"Progress/Invalid", "takes progress backwards", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			if p.From > 0 && p.To < p.From {
				return nil
			}
			return j.Record(ctx, p)
		}
	}},
	{"Progress/OneWins", "looks where the checkpoint is, and moves it later", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			if at, err := j.Checkpoint(ctx, p.Name); err != nil || at != p.From {
				return errors.Join(err, &es.FencedError{Name: p.Name, Partition: -1})
			}
			time.Sleep(time.Millisecond)
			return j.SaveCheckpoint(ctx, p.Name, p.To)
		}
	}},
	{"Progress/AfterReopening", "keeps progress while it is open", func(b *broken, j *journal) {
		var kept sync.Map
		b.record = func(_ ctxt, p es.Progress) error {
			kept.Store(p.Name, p.To)
			return nil
		}
		b.checkpoint = func(_ ctxt, name string) (es.Position, error) {
			p, _ := kept.LoadOrStore(name, es.Position(0))
			return p.(es.Position), nil
		}
	}},
	{"Parked/Keeps", "lists what is parked by id, whatever the category", func(b *broken, j *journal) {
		b.parked = func(ctx ctxt, q es.ParkedQuery) ([]es.Parked, error) {
			all, err := j.Parked(ctx, q)
			slices.SortFunc(all, func(a, b es.Parked) int { return slices.Compare([]byte(a.Stream.ID), []byte(b.Stream.ID)) })
			return all, err
		}
	}},
	{"Parked/Decide", "takes a verdict on any version", func(b *broken, j *journal) {
		b.decide = func(ctx ctxt, name string, s es.Stream, v es.Version, verdict es.Verdict) error {
			if all, err := j.Parked(ctx, es.ParkedQuery{Name: name}); err == nil {
				for _, p := range all {
					if p.Stream == s {
						v = p.Version
					}
				}
			}
			return j.Decide(ctx, name, s, v, verdict)
		}
	}},
	{"Parked/AfterReopening", "keeps verdicts while it is open", func(b *broken, j *journal) {
		var verdicts sync.Map
		b.decide = func(_ ctxt, _ string, s es.Stream, _ es.Version, verdict es.Verdict) error {
			verdicts.Store(s, verdict)
			return nil
		}
		b.parked = func(ctx ctxt, q es.ParkedQuery) ([]es.Parked, error) {
			all, err := j.Parked(ctx, q)
			for i := range all {
				if v, ok := verdicts.Load(all[i].Stream); ok {
					all[i].Verdict = v.(es.Verdict)
				}
			}
			return all, err
		}
	}},
	{"Parked/Tried", "does not look whether what was tried is still parked", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			p.Tried = nil
			return j.Record(ctx, p)
		}
	}},
	{"Parked/Verdict", "lets an attempt's outcome replace a verdict", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			if len(p.Tried) > 0 {
				if err := j.Record(ctx, es.Progress{Name: p.Name, From: p.From, To: p.From, Tried: p.Tried}); err != nil {
					return err
				}
				p.Tried = nil
			}
			return j.Record(ctx, p)
		}
	}},
	{"Readers/Listed", "lists the checkpoints alone", func(b *broken, j *journal) {
		b.readers = func(ctx ctxt) ([]es.Reader, error) {
			all, err := j.Readers(ctx)
			return slices.DeleteFunc(all, func(r es.Reader) bool { return r.Partitions > 0 }), err
		}
	}},
	{"Readers/Forget", "forgets the checkpoint, and keeps what is parked", func(b *broken, j *journal) {
		b.forget = func(ctx ctxt, name string) error {
			all, err := j.Parked(ctx, es.ParkedQuery{Name: name})
			if err == nil {
				err = j.Forget(ctx, name)
			}
			if err == nil && len(all) > 0 {
				err = j.Record(ctx, es.Progress{Name: name, Park: all})
			}
			return err
		}
	}},
	{"Group/Beats", "starts new groups at the beginning, wherever they are to start", func(b *broken, j *journal) {
		b.beat = func(ctx ctxt, m es.Membership) (es.GroupState, error) {
			m.Start = 0
			return j.Beat(ctx, m)
		}
	}},
	{"Group/Partitions", "lets a member in that comes with another number", func(b *broken, j *journal) {
		b.beat = func(ctx ctxt, m es.Membership) (es.GroupState, error) {
			if state, err := j.Group(ctx, m.Group); err == nil {
				m.Partitions = len(state.Partitions)
			}
			return j.Beat(ctx, m)
		}
	}},
	{"Group/Claim", "does not raise the epoch for its owner", func(b *broken, j *journal) {
		b.claim = func(ctx ctxt, name string, c es.Claim, member uuid.UUID) (es.Partition, error) {
			p, err := j.Claim(ctx, name, c, member)
			p.Epoch = c.Epoch
			return p, err
		}
	}},
	{"Group/Fenced", "looks whose a partition is, but not under which epoch", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			state, err := j.Group(ctx, p.Name)
			for i, c := range p.Claims {
				if err == nil && c.Partition < len(state.Partitions) {
					p.Claims[i] = state.Partitions[c.Partition].Claim
				}
			}
			return j.Record(ctx, p)
		}
	}},
	{"Group/AllClaims", "records partition by partition", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			if len(p.Claims) == 0 {
				return j.Record(ctx, p)
			}
			for _, c := range p.Claims {
				one := p
				one.Claims = []es.Claim{c}
				if err := j.Record(ctx, one); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"Group/Release", "lets a former owner release a partition", func(b *broken, j *journal) {
		b.release = func(ctx ctxt, name string, claims []es.Claim) error {
			state, err := j.Group(ctx, name)
			if err != nil {
				return err
			}
			for i, c := range claims {
				claims[i] = state.Partitions[c.Partition].Claim
			}
			return j.Release(ctx, name, claims)
		}
	}},
	{"Group/Leave", "removes a member that has given a sign of life since", func(b *broken, j *journal) {
		b.leave = func(ctx ctxt, name string, member uuid.UUID, _ int64) error { return j.Leave(ctx, name, member, 0) }
	}},
	{"Group/OneOwner", "looks at a claim, and moves the partition later", func(b *broken, j *journal) {
		b.record = func(ctx ctxt, p es.Progress) error {
			state, err := j.Group(ctx, p.Name)
			if err != nil || state.Partitions[0].Claim != p.Claims[0] || state.Partitions[0].Position != p.From {
				return errors.Join(err, &es.FencedError{Name: p.Name})
			}
			time.Sleep(time.Millisecond)
			if state, err = j.Group(ctx, p.Name); err != nil || state.Partitions[0].Position >= p.To {
				return err
			}
			p.Claims, p.From = []es.Claim{state.Partitions[0].Claim}, state.Partitions[0].Position
			return j.Record(ctx, p)
		}
	}},
	{"Group/AfterReopening", "forgets the members when it is opened", func(b *broken, j *journal) {
		known := sync.Map{}
		b.beat = func(ctx ctxt, m es.Membership) (es.GroupState, error) {
			known.Store(m.Member, true)
			return j.Beat(ctx, m)
		}
		b.group = func(ctx ctxt, name string) (es.GroupState, error) {
			state, err := j.Group(ctx, name)
			state.Members = slices.DeleteFunc(state.Members, func(m es.Member) bool { _, ok := known.Load(m.ID); return !ok })
			return state, err
		}
	}},
	{"Identity/Stable", "makes up an identity each time", func(b *broken, j *journal) {
		b.identity = func(ctxt) (es.Identity, error) { return es.Identity{Store: uuid.New()}, nil }
	}},
}
