package memory

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/esgen-go/esgen/vet/internal/domain"
)

// Shared knows which variables of a function share memory.
type Shared struct {
	info  *types.Info
	flows map[*types.Var][]flow
}

// flow is an assignment: what is at path to shares memory with what is at path from.
type flow struct {
	to, from Path
	pos      token.Pos
}

// NewShared reads the assignments in a function.
func NewShared(info *types.Info, fn ast.Node) *Shared {
	s := &Shared{info, map[*types.Var][]flow{}}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if len(n.Lhs) == len(n.Rhs) {
				for i, to := range n.Lhs {
					s.assign(path(info, to), n.Rhs[i])
				}
			} else if _, ok := n.Rhs[0].(*ast.CallExpr); !ok { // v, ok := m[k]
				s.assign(path(info, n.Lhs[0]), n.Rhs[0])
			}
		case *ast.ValueSpec:
			for i, to := range n.Names {
				if len(n.Values) == len(n.Names) {
					s.assign(path(info, to), n.Values[i])
				}
			}
		case *ast.RangeStmt:
			if n.Value != nil && hasReferences(info.TypeOf(n.Value)) {
				for _, from := range sources(info, n.X) {
					from.Level++
					s.flow(path(info, n.Value), from, n.Pos())
				}
			}
		}
		return true
	})
	return s
}

func (s *Shared) assign(to Path, from ast.Expr) {
	lit, ok := ast.Unparen(from).(*ast.CompositeLit)
	if _, isStruct := s.typeOf(from).Underlying().(*types.Struct); !ok || !isStruct {
		for _, source := range sources(s.info, from) {
			s.flow(to, source, from.Pos())
		}
		return
	}
	for _, part := range lit.Elts {
		field := to
		if kv, ok := part.(*ast.KeyValueExpr); ok {
			if name, ok := kv.Key.(*ast.Ident); ok && to.Field == "" && to.Level == 0 {
				field.Field = name.Name
			}
			part = kv.Value
		}
		s.assign(field, part)
	}
}

func (s *Shared) typeOf(e ast.Expr) types.Type {
	if t := s.info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

func (s *Shared) flow(to, from Path, pos token.Pos) {
	if to.Var != nil {
		s.flows[to.Var] = append(s.flows[to.Var], flow{to, from, pos})
	}
}

// Memory is a set of places, and what can be reached from them.
type Memory struct {
	places []Path
	State  bool // part of an aggregate's state is among it
}

// deepest bounds how far what points to itself is followed.
const deepest = 6

// follow adds a place and those that share its memory.
func (s *Shared) follow(m *Memory, p Path) {
	m.State = m.State || p.State
	if p.Var == nil || p.Level > deepest {
		return
	}
	for _, other := range m.places {
		if other.Key == p.Key && other.Level == p.Level && other.Via == p.Via {
			return
		}
	}
	m.places = append(m.places, p)
	for _, f := range s.flows[p.Var] {
		if !f.to.overlaps(p.Key) {
			continue
		}
		beyond := p.depth() - f.to.depth()
		if f.to.Field != "" && p.Field != "" {
			beyond = p.Level - f.to.Level
		}
		if beyond <= 0 {
			continue // the assigned value itself, not what it refers to
		}
		next := f.from
		next.Addressed = false
		if f.from.Addressed {
			beyond--
		}
		if f.to.Field == "" && next.Field == "" && next.Level == 0 && p.Field != "" { // a copy, or a pointer to it: the same field of it
			next.Field = p.Field
			next.Via = p.Via && !f.from.Addressed
			next.Level = p.Level
		} else {
			next.Level += beyond
		}
		s.follow(m, next)
	}
}

// Written returns the memory that a write to a path changes.
func (s *Shared) Written(p Path) Memory {
	var m Memory
	s.follow(&m, p)
	return m
}

// OfValue returns the memory that the value of an expression refers to.
func (s *Shared) OfValue(e ast.Expr) Memory {
	var m Memory
	for _, p := range sources(s.info, e) {
		if p.Addressed {
			s.follow(&m, p)
		}
		p.Level++
		s.follow(&m, p)
	}
	return m
}

// OfVariable returns the memory that a variable's value refers to.
func (s *Shared) OfVariable(v *types.Var) Memory {
	var m Memory
	s.follow(&m, Path{Key: Key{Var: v}, Level: 1})
	return m
}

// Fields returns the fields of aggregates whose slices, maps and what they point to are among it.
func (m Memory) Fields() []*types.Var {
	var fields []*types.Var
	for _, p := range m.places {
		a := domain.PointedAggregate(p.Var.Type())
		if a == nil || p.Field == "" || p.Level == 0 {
			continue
		}
		for f := range a.Underlying().(*types.Struct).Fields() {
			if f.Name() == p.Field {
				fields = append(fields, f)
			}
		}
	}
	return fields
}

// Has reports whether a variable's own memory, or what it refers to, is among it.
func (m Memory) Has(v *types.Var) bool {
	for _, p := range m.places {
		if p.Var == v {
			return true
		}
	}
	return false
}

// Meets reports whether what is written is part of the memory: at one of its places or deeper.
func (m Memory) Meets(written Memory) bool {
	for _, p := range m.places {
		for _, w := range written.places {
			if !p.overlaps(w.Key) {
				continue
			}
			if p.Field != "" && w.Field != "" && w.Level >= p.Level || w.depth() >= p.depth() {
				return true
			}
		}
	}
	return false
}

// keeps reports whether an assigned value is made of the old one, as in x = append(x, 1).
func (s *Shared) keeps(key Key, e ast.Expr) bool {
	for _, p := range sources(s.info, e) {
		if p.Key == key {
			return true
		}
	}
	return false
}

// Replaced reports whether a write no longer meets the memory that its variable, or the field of that, once had: the
// last assignment to that, between two places, is of other memory, and not of such that refuse
// reports. One that only a branch makes counts if it is refused.
func (s *Shared) Replaced(fn ast.Node, w Write, from, to token.Pos, refuse func(Memory) bool) bool {
	replaced := false
	var blocks []ast.Node
	ast.Inspect(fn, func(n ast.Node) bool {
		if n == nil {
			blocks = blocks[:len(blocks)-1]
			return true
		}
		inner := ast.Node(nil)
		if len(blocks) > 0 {
			inner = blocks[len(blocks)-1]
		}
		switch n.(type) {
		case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
			inner = n
		}
		blocks = append(blocks, inner)
		assign, ok := n.(*ast.AssignStmt)
		if !ok || assign.Pos() <= from || to <= assign.Pos() || len(assign.Lhs) != len(assign.Rhs) {
			return true
		}
		for i, lhs := range assign.Lhs {
			p := path(s.info, lhs)
			replaces := p.Key == Key{Var: w.Var} || p.Key == w.Key && w.Level > 0
			if p.Level > 0 || !replaces || s.keeps(p.Key, assign.Rhs[i]) {
				continue
			}
			always := inner == nil || inner.Pos() <= to && to <= inner.End()
			if refuse(s.OfValue(assign.Rhs[i])) {
				replaced = false
			} else if always {
				replaced = true
			}
		}
		return true
	})
	return replaced
}
