package main

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// A report is what all workloads found, in the order in which they ran.
type report struct {
	tables   []*table
	pictures []picture
	summary  summary
	progress io.Writer // is told what is being measured
}

func (r *report) add(t *table) *table {
	r.tables = append(r.tables, t)
	return t
}

// text writes everything for a terminal.
func (r *report) text(w io.Writer) {
	for _, t := range r.all() {
		t.text(w)
	}
}

// markdown writes everything for a README.
func (r *report) markdown(w io.Writer) {
	for _, t := range r.all() {
		t.markdown(w)
	}
}

// all is the summary, if there is one, and what it was drawn from.
func (r *report) all() []*table {
	if len(r.summary.contenders) == 0 {
		return r.tables
	}
	return append([]*table{r.summary.table()}, r.tables...)
}

// A summary has one row for each contender and one column for each workload.
type summary struct {
	contenders []string
	columns    []column
}

type column struct {
	name  string
	cells map[string]cell // by contender
}

// A cell is a figure, and what is written for it.
type cell struct {
	value float64
	text  string
}

// set writes down what was found. Less is better in every column.
func (s *summary) set(contender, name string, value float64, text string) {
	if !slices.Contains(s.contenders, contender) {
		s.contenders = append(s.contenders, contender)
	}
	i := slices.IndexFunc(s.columns, func(c column) bool { return c.name == name })
	if i < 0 {
		i = len(s.columns)
		s.columns = append(s.columns, column{name, map[string]cell{}})
	}
	s.columns[i].cells[contender] = cell{value, text}
}

func (s *summary) table() *table {
	t := &table{
		title: "Side by side",
		note: "Medians; less is better everywhere. In bold is what is least among those who compete, or within 5 % of it: bare " +
			"and http.Client, which protect nobody, do not compete.",
		head: []string{"contender"},
	}
	for _, c := range s.columns {
		t.head = append(t.head, c.name)
	}
	for _, name := range s.order() {
		row := []string{name}
		for _, c := range s.columns {
			row = append(row, c.write(name))
		}
		t.add(row...)
	}
	return t
}

// order is that of the field, and of those who are not in it behind.
func (s *summary) order() []string {
	var names []string
	for _, c := range field() {
		if slices.Contains(s.contenders, c.name) {
			names = append(names, c.name)
		}
	}
	for _, name := range s.contenders {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (c column) write(contender string) string {
	cell, ok := c.cells[contender]
	switch {
	case !ok:
		return ""
	case competes(contender) && cell.value <= 1.05*c.least():
		return "**" + cell.text + "**"
	}
	return cell.text
}

func (c column) least() float64 {
	least := math.Inf(1)
	for name, cell := range c.cells {
		if competes(name) {
			least = min(least, cell.value)
		}
	}
	return least
}

func competes(contender string) bool { return contender != bare.name && contender != httpClient.name }

func (r *report) say(format string, args ...any) { fmt.Fprintf(r.progress, format+"\n", args...) }
