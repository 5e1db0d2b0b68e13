package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A table is what one workload found.
type table struct {
	title string
	note  string // what was measured, and how to read it
	head  []string
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// text writes columns, the first to the left and the others to the right.
func (t *table) text(w io.Writer) {
	fmt.Fprintf(w, "%s\n%s\n\n", t.title, t.note)
	widths := t.widths()
	for _, row := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case t.isText(i):
				line.WriteString(cell + pad + "  ")
			default:
				line.WriteString(pad + cell + "  ")
			}
		}
		fmt.Fprintln(w, "  "+strings.TrimRight(line.String(), " "))
	}
	fmt.Fprintln(w)
}

// markdown writes the same for a README.
func (t *table) markdown(w io.Writer) {
	fmt.Fprintf(w, "### %s\n\n%s\n\n| %s |\n|", t.title, t.note, strings.Join(t.head, " | "))
	for i := range t.head {
		if t.isText(i) {
			fmt.Fprint(w, "---|")
		} else {
			fmt.Fprint(w, "---:|")
		}
	}
	for _, row := range t.rows {
		fmt.Fprintf(w, "\n| %s |", strings.Join(row, " | "))
	}
	fmt.Fprint(w, "\n\n")
}

// isText reports whether a column has words: the first, and the one that says
// what a contender does.
func (t *table) isText(column int) bool { return column == 0 || t.head[column] == does }

// does is the head of the column that says what a contender does.
const does = "does"

func (t *table) widths() []int {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}
