package projection

import (
	"fmt"

	"github.com/esgen-go/esgen/es/subscription"
)

// Effects returns a subscription for what the read model's events lead to outside the database, such as a
// mail. Run it beside the projection, in any number of processes: one of them works. What it
// guarantees:
//
//   - Its checkpoint is its own, and has nothing to do with versions: a rebuild repeats no effect, and a new
//     version has none of its own.
//   - It begins with what is appended after its first run: history has no effects. With
//     [subscription.StartAt] it begins elsewhere.
//   - The handler is given an event when the version that serves has handled it, so that what it reads
//     with [Projection.View] is as far as that or further.
//   - Each event comes at least once, those of a stream in order. What was handled in the last moments before a crash,
//     up to [subscription.CheckpointEvery], comes again: the event's id tells.
//
// The name tells the effects of one read model apart, such as "mail". The events are those of the
// projection, unless the options say otherwise.
func (p *Projection[TX]) Effects(name string, h subscription.Handler, opts ...subscription.Option) (*subscription.Subscription, error) {
	opts = append([]subscription.Option{
		subscription.Categories(p.def.Categories...), subscription.Types(p.def.Types...), subscription.Logger(p.logger),
		subscription.StartAt(subscription.Now), subscription.Group(1), subscription.Await(p.WaitFor),
	}, opts...)
	s, err := subscription.New(p.store, fmt.Sprintf("%s!%s", p.def.Name, name), h, opts...)
	return s, p.wrap(err)
}
