// A click on the head of a column sorts its table: by the first number of each cell, else by its text.
document.addEventListener("DOMContentLoaded", () => {
    const key = (row, column) => {
        const text = row.cells[column].textContent.trim();
        const number = parseFloat(text.replace(/,/g, ""));
        return Number.isNaN(number) ? text : number;
    };
    for (const head of document.querySelectorAll("article table thead th")) {
        head.style.cursor = "pointer";
        head.addEventListener("click", () => {
            const body = head.closest("table").tBodies[0];
            const column = head.cellIndex;
            const down = head.dataset.sorted === "up";
            const rows = [...body.rows].sort((a, b) => {
                const [x, y] = [key(a, column), key(b, column)];
                const order = typeof x === typeof y ? (x > y) - (x < y) : typeof x === "number" ? -1 : 1;
                return down ? -order : order;
            });
            for (const other of head.parentElement.cells) delete other.dataset.sorted;
            head.dataset.sorted = down ? "down" : "up";
            body.append(...rows);
        });
    }
});
