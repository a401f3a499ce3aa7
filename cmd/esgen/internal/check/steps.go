package check

import (
	"fmt"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/resolution"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// steps completes the steps that esgen writes, and reports those for which a function is needed.
func (c *checker) steps() {
	for _, a := range c.Aggregates {
		for _, e := range a.Events {
			if e.Broken {
				continue
			}
			for _, v := range e.Versions {
				if v.Upcast != nil && v.Upcast.Written() {
					c.view(v)
				}
			}
		}
	}
}

// view returns how a version is read into the struct that its step leads to, nil if it can't be, which has been
// reported.
func (c *checker) view(v *model.Version) *shape.Type {
	u := v.Upcast
	if u.View != nil || u.To == nil {
		return u.View
	}
	next := u.Next.Shape
	view := next
	if u.Next.Type == nil {
		if view = c.view(u.Next); view == nil {
			return nil
		}
	}
	if v.Locked != nil && v.Locked.Upcast != nil && v.Locked.Upcast.Func != "" && c.Frozen.Event(v.Event.Name).Version(v.Schema) == v.Locked {
		c.problems.At(v.Pos, "upcaster %s of version %d of %s is released and gone, and without it old events may mean something else: bring it back%s",
			v.Locked.Upcast.Func, v.Schema, v.Event.Name, c.withStruct(v))
		return nil
	}
	view, reasons := resolution.View(v.Shape, next, view, label(v))
	if len(reasons) == 0 {
		u.View = view
		return view
	}
	pos := v.Pos
	for _, r := range reasons {
		if r.Pos.IsValid() {
			pos = r.Pos
			break
		}
	}
	what := fmt.Sprintf("version %d of %s", u.Next.Schema, u.Next.Event.Name)
	if u.Next.Event == v.Event {
		what = fmt.Sprintf("version %d", u.Next.Schema)
	}
	c.problems.At(pos, "version %d of %s can't be read as %s without your help (%s): %swrite %s%s",
		v.Schema, v.Event.Name, what, join(reasons), suggestion(reasons), u.Stub, c.withStruct(v))
	return nil
}

// label names the functions that read an old version.
func label(v *model.Version) string {
	if v.Upcast.To.Event == v.Event {
		return fmt.Sprintf("FromV%d", v.Schema)
	}
	return "From" + v.Go
}

func join(reasons []resolution.Reason) string {
	var all []string
	for i, r := range reasons {
		if i == 3 {
			return strings.Join(all, "; ") + fmt.Sprintf("; and %d more", len(reasons)-i)
		}
		all = append(all, r.String())
	}
	return strings.Join(all, "; ")
}

// suggestion says what would do in place of a function.
func suggestion(reasons []resolution.Reason) string {
	for _, r := range reasons {
		if !r.New {
			return ""
		}
	}
	return `give what is new a default (esgen:"default=…"), the name that it had (esgen:"was=…") or omitempty, or `
}

// withStruct offers the struct of a version that has none.
func (c *checker) withStruct(v *model.Version) string {
	if v.Type != nil {
		return ""
	}
	directive := ""
	if to := v.Upcast.To; to.Event != v.Event || to.Schema != v.Schema+1 {
		directive = fmt.Sprintf(", under //esgen:event name=%s version=%d", v.Event.Name, v.Schema)
		if len(c.Aggregates) > 1 {
			directive += " aggregate=" + v.Event.Aggregate.Go
		}
	}
	return fmt.Sprintf(", and the struct that it was%s: %s", directive, lock.Struct(v.Go, v.Schema, v.Shape, c.Current(), c.Taken))
}
