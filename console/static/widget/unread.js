// How many messages came while nobody looked: told to the page around us, or in the title.
const title = document.title;

export class Unread {
  /** tell(number) tells the page around us; without one the title says it. */
  constructor(tell) {
    this.tell = tell;
    this.number = 0;
  }

  add() { this.set(this.number + 1); }

  clear() { if (this.number) this.set(0); }

  set(number) {
    this.number = number;
    if (this.tell) this.tell(number);
    else document.title = number ? `(${number}) ${title}` : title;
  }
}
