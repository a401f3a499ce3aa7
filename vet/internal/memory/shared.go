package memory

import (
	"go/ast"
	"go/token"
	"go/types"
)

// Shared knows which variables of a function share memory.
type Shared struct {
	info  *types.Info
	flows map[Key][]Path
}

// NewShared reads the assignments in a function.
func NewShared(info *types.Info, fn ast.Node) *Shared {
	s := &Shared{info, map[Key][]Path{}}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if len(n.Lhs) == len(n.Rhs) {
				for i, to := range n.Lhs {
					s.assign(to, n.Rhs[i])
				}
			} else if _, ok := n.Rhs[0].(*ast.CallExpr); !ok { // v, ok := m[k]
				s.assign(n.Lhs[0], n.Rhs[0])
			}
		case *ast.ValueSpec:
			for i, to := range n.Names {
				if len(n.Values) == len(n.Names) {
					s.assign(to, n.Values[i])
				}
			}
		case *ast.RangeStmt:
			if n.Value != nil && hasReferences(info.TypeOf(n.Value)) {
				s.flow(path(info, n.Value).Key, sources(info, n.X))
			}
		}
		return true
	})
	return s
}

func (s *Shared) assign(to, from ast.Expr) {
	key := path(s.info, to).Key
	lit, ok := ast.Unparen(from).(*ast.CompositeLit)
	if !ok {
		s.flow(key, sources(s.info, from))
		return
	}
	for _, part := range lit.Elts {
		field := key
		if kv, ok := part.(*ast.KeyValueExpr); ok {
			if name, ok := kv.Key.(*ast.Ident); ok && key.Field == "" {
				field.Field = name.Name
			}
			part = kv.Value
		}
		s.flow(field, sources(s.info, part))
	}
}

func (s *Shared) flow(to Key, from []Path) {
	if to.Var != nil {
		s.flows[to] = append(s.flows[to], from...)
	}
}

// Memory is what can be reached from somewhere.
type Memory struct {
	keys      map[Key]bool
	addressed map[Key]bool // these variables' own memory
	State     bool         // part of an aggregate's state
}

// Of returns the memory that paths lead to.
func (s *Shared) Of(paths ...Path) Memory {
	m := Memory{map[Key]bool{}, map[Key]bool{}, false}
	for _, p := range paths {
		s.add(&m, p)
	}
	return m
}

// OfValue returns the memory that the value of an expression shares.
func (s *Shared) OfValue(e ast.Expr) Memory { return s.Of(sources(s.info, e)...) }

func (s *Shared) add(m *Memory, p Path) {
	m.State = m.State || p.State
	if p.Var == nil {
		return
	}
	if p.Addressed {
		m.addressed[p.Key] = true
	}
	if m.keys[p.Key] {
		return
	}
	m.keys[p.Key] = true
	for to, from := range s.flows {
		if to.overlaps(p.Key) {
			for _, next := range from {
				s.add(m, next)
			}
		}
	}
}

// Has reports whether a variable's memory is among it.
func (m Memory) Has(v *types.Var) bool {
	for k := range m.keys {
		if k.Var == v {
			return true
		}
	}
	return false
}

// Meets reports whether a write changes the memory.
func (m Memory) Meets(s *Shared, w Write) bool {
	if !w.Crossed {
		for k := range m.addressed {
			if k.overlaps(w.Key) {
				return true
			}
		}
		return false
	}
	written := s.Of(w.Path)
	for k := range m.keys {
		for other := range written.keys {
			if k.overlaps(other) {
				return true
			}
		}
	}
	return false
}

// Replaced reports whether a variable, or a field of it, is given other memory between two places.
func (s *Shared) Replaced(fn ast.Node, key Key, from, to token.Pos) bool {
	replaced := false
	ast.Inspect(fn, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok || assign.Pos() <= from || to <= assign.Pos() || len(assign.Lhs) != len(assign.Rhs) {
			return true
		}
		for i, lhs := range assign.Lhs {
			p := path(s.info, lhs)
			whole := p.Key == key || p.Key == Key{Var: key.Var}
			if _, isIndex := ast.Unparen(lhs).(*ast.IndexExpr); whole && !isIndex && !s.Of(sources(s.info, assign.Rhs[i])...).Has(key.Var) {
				replaced = true
			}
		}
		return true
	})
	return replaced
}
