// tpe_prop_skid_buffer -- every word of an array leaves once, in order; a refused word stays.
//
// The array has one register of words, which takes another, or none, in every cycle in which it is
// enabled. The reference is a queue of the words that came into it. It is never idle without cause:
// what is there is offered, and the array is held in the cycle behind a refusal and in no other.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_skid_buffer #(
    parameter int unsigned Width  = 2,
    parameter int unsigned Copies = 2
) (
    input  wire  logic               clk_i,
    input  wire  logic               come_i,   // the array has a word in the next cycle
    input  wire  logic [Width-1:0]   word_i,   // this one
    input  wire  logic               ready_i,
    output       logic               fails_o
);

  logic                   begun_q = 1'b0;
  logic                   rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                   valid_q, refused_q, valid, push, pop;
  logic [Width-1:0]       word_q, last_q, word;
  logic [Copies-1:0]      en;
  logic [2:0][Width-1:0]  queue_q;  // [0] leaves next
  logic [1:0]             count_q;

  tpe_skid_buffer #(
      .Width (Width),
      .Copies(Copies)
  ) u_skid_buffer (
      .clk_i,
      .rst_ni (rst_nq),
      .valid_i(begun_q && valid_q),
      .word_i (word_q),
      .en_o   (en),
      .valid_o(valid),
      .ready_i,
      .word_o (word)
  );

  assign push = begun_q && en[0] && come_i;
  assign pop  = begun_q && valid && ready_i;

  always_ff @(posedge clk_i) begin
    begun_q   <= 1'b1;
    rst_nq    <= 1'b1;
    refused_q <= begun_q && valid && !ready_i;
    last_q    <= word;
    if (!begun_q) begin
      valid_q <= 1'b0;
      count_q <= '0;
    end else begin
      if (en[0]) valid_q <= come_i;
      if (en[0]) word_q <= word_i;
      count_q <= count_q + 2'(push) - 2'(pop);
      if (pop) queue_q <= queue_q >> Width;
      if (push) queue_q[2'(count_q-2'(pop))] <= word_i;
    end
  end

  assign fails_o = begun_q
                 && (valid != (count_q != '0) || (valid && word != queue_q[0])
                     || count_q == 2'd3 || en != {Copies{!refused_q}}
                     || (refused_q && (!valid || word != last_q)));

endmodule

`default_nettype wire
