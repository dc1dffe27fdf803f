// tpe_prop_indexed -- in a sparse array every accepted group counts once, pass after pass.
//
// The sources offer and the sink takes when they like; a pass loads B or keeps it, starts from zero
// or goes on, and leaves words or not. A group of every row and lane is taken once per bit weight,
// rounds of them in each; the reference adds digit * B * 4**plane as a group is accepted, the
// digits being those of tpe_encode. Words leave in order once all groups of the pass have come.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_indexed #(
    parameter  int unsigned Rows       = 2,
    parameter  int unsigned Cols       = 1,
    parameter  int unsigned AWidth     = 3,
    parameter  int unsigned BWidth     = 2,
    parameter  int unsigned AccWidth   = 6,
    parameter  int unsigned Lanes      = 1,
    parameter  int unsigned Group      = 2,
    parameter  int unsigned Depth      = 4,
    parameter  int unsigned CodeWidth  = 3,
    parameter  int unsigned PsumWidth  = 14,
    parameter  int unsigned PlaneWidth = 1,
    parameter  int unsigned OwnFronts  = 0,
    parameter  int unsigned Overlap    = tpe_pkg::OverlapNone,
    parameter  int unsigned Drift      = 0,
    parameter  int unsigned MsbFirst   = 0,  // 1: what comes first is the top digit
    parameter  int unsigned Shadow     = 1,
    parameter  int unsigned RowTerm    = 0,
    parameter  int unsigned Hold       = tpe_pkg::HoldMux,
    parameter  int unsigned CarryEvery = 1,
    parameter  int unsigned Stall      = tpe_pkg::StallDirect,
    parameter  int unsigned Encoder    = tpe_pkg::EncoderBooth,
    localparam int unsigned Streams    = (Drift != 0) ? 1 : Rows * Lanes,
    localparam int unsigned NumDigits  = (AWidth + 1) / 2,
    localparam int unsigned Rounds     = Depth / (Group * Lanes)
) (
    input  wire  logic                                clk_i,
    input  wire  logic                                load_i,  // of the next pass
    input  wire  logic                                clear_i,
    input  wire  logic                                flush_i,
    input  wire  logic                                full_i,  // all Rounds of a pass; else one
    input  wire  logic [Streams-1:0]                  a_valid_i,
    input  wire  logic [Rows*Lanes*Group*AWidth-1:0]  a_i,
    input  wire  logic                                b_valid_i,
    input  wire  logic [Cols*BWidth-1:0]              b_i,
    input  wire  logic                                c_ready_i,
    output       logic                                fails_o
);

  localparam int unsigned Total = Rows * Lanes;

  logic                     begun_q = 1'b0;
  logic                     rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                     b_ready, c_valid, c_last, done, b_beat, take, b_last;
  logic [Streams-1:0]       a_ready, a_offer, a_last;
  logic [Total-1:0]         accept, last;
  logic [Cols*AccWidth-1:0] c, c_q, word;
  logic                     refused_q, last_q;
  logic                     owed_q;                    // the last word of the pass before is here
  logic                     load_q, clear_q, flush_q;  // of the pass
  logic                     next_full_q, taken_q;      // a bank waits; the pass has taken its own
  logic [31:0]              rounds_q, loaded_q, out_q;
  logic [Total-1:0][31:0]   round_q, plane_q;          // of the next group of each stream
  logic [Total-1:0]         closed;                    // all groups of the pass have come
  logic [Depth-1:0][Cols-1:0][BWidth-1:0]            next_q, resident_q, b;
  logic [Rows-1:0][Cols-1:0][AccWidth-1:0]           total_q, added;
  logic [Total-1:0][Group-1:0][NumDigits-1:0][2:0]   digit;
  logic [Total-1:0][Group-1:0][Depth-1:0]            place;  // one-hot: which row of B it meets

  tpe_matrix2d_indexed #(
      .Rows      (Rows),
      .Cols      (Cols),
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .Group     (Group),
      .Depth     (Depth),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .OwnFronts (OwnFronts),
      .Overlap   (Overlap),
      .Drift     (Drift),
      .MsbFirst  (MsbFirst),
      .Shadow    (Shadow),
      .RowTerm   (RowTerm),
      .Hold      (Hold),
      .CarryEvery(CarryEvery),
      .Stall     (Stall)
  ) u_array (
      .clk_i,
      .rst_ni   (rst_nq),
      .load_i   (load_q),
      .clear_i  (clear_q),
      .flush_i  (flush_q),
      .done_o   (done),
      .a_valid_i(a_offer),
      .a_ready_o(a_ready),
      .a_last_i (a_last),
      .a_i,
      .b_valid_i(b_valid_i && begun_q),
      .b_ready_o(b_ready),
      .b_last_i (b_last),
      .b_i,
      .c_valid_o(c_valid),
      .c_ready_i,
      .c_last_o (c_last),
      .c_o      (c)
  );

  assign a_offer = a_valid_i & {Streams{begun_q}};
  assign a_last  = last[Streams-1:0];
  assign accept  = (Drift != 0) ? {Total{a_offer[0] && a_ready[0]}} : Total'(a_offer & a_ready);
  assign b_beat  = begun_q && b_valid_i && b_ready;
  assign b_last  = loaded_q == rounds_q * (Group * Lanes) - 1;
  assign take    = begun_q && c_valid && c_ready_i;
  assign b       = (Overlap == tpe_pkg::OverlapLoad && load_q && !taken_q) ? next_q : resident_q;

  for (genvar s = 0; s < Total; s++) begin : gen_stream
    assign last[s]   = round_q[s] == rounds_q - 1;
    assign closed[s] = plane_q[s] == NumDigits;
    for (genvar g = 0; g < Group; g++) begin : gen_operand
      tpe_encode #(
          .Width  (AWidth),
          .Encoder(Encoder)
      ) u_encode (
          .a_i    (a_i[(s*Group+g)*AWidth+:AWidth]),
          .digit_o(digit[s][g])
      );
      for (genvar d = 0; d < Depth; d++) begin : gen_place
        assign place[s][g][d] = round_q[s] * (Lanes * Group) + (s % Lanes) * Group + g == d;
      end
    end
  end

  logic [2:0]          now;
  int unsigned         weight;
  logic [AccWidth-1:0] operand, magnitude;

  always_comb begin
    added = '0;
    for (int unsigned s = 0; s < Total; s++) begin
      for (int unsigned g = 0; g < Group; g++) begin
        for (int unsigned p = 0; p < NumDigits; p++) begin
          weight = (MsbFirst != 0) ? NumDigits - 1 - p : p;
          now = (accept[s] && plane_q[s] == p) ? digit[s][g][weight] : '0;
          for (int unsigned i = 0; i < Cols; i++) begin
            operand = '0;
            for (int unsigned d = 0; d < Depth; d++) begin
              if (place[s][g][d]) operand = AccWidth'($signed(b[d][i]));
            end
            magnitude = now[1] ? operand << 1 : now[0] ? operand : '0;
            added[s/Lanes][i] = added[s/Lanes][i]
                              + ((now[2] ? -magnitude : magnitude) << (2 * weight));
          end
        end
      end
    end
  end

  always_comb begin
    word = '0;
    for (int unsigned r = 0; r < Rows; r++) begin
      if (out_q == r) word = total_q[r];
    end
  end

  always_ff @(posedge clk_i) begin
    begun_q   <= 1'b1;
    rst_nq    <= 1'b1;
    refused_q <= begun_q && c_valid && !c_ready_i;
    c_q       <= c;
    last_q    <= c_last;
    if (!begun_q) begin
      rounds_q    <= full_i ? Rounds : 1;
      load_q      <= 1'b1;
      clear_q     <= 1'b1;
      flush_q     <= flush_i;
      next_full_q <= 1'b0;
      taken_q     <= 1'b0;
      loaded_q    <= 0;
      out_q       <= 0;
      owed_q      <= 1'b0;
      round_q     <= '0;
      plane_q     <= '0;
      total_q     <= '0;
    end else begin
      if (b_beat) begin
        loaded_q <= b_last ? 0 : loaded_q + 1;
        for (int unsigned d = 0; d < Depth; d++) begin
          if (loaded_q == d && Overlap == tpe_pkg::OverlapNone) resident_q[d] <= b_i;
          if (loaded_q == d && Overlap == tpe_pkg::OverlapLoad) next_q[d] <= b_i;
        end
        if (b_last) next_full_q <= 1'b1;
      end
      if (load_q && !taken_q && next_full_q) begin
        taken_q     <= 1'b1;
        next_full_q <= 1'b0;
        if (Overlap == tpe_pkg::OverlapLoad) resident_q <= next_q;
      end
      for (int unsigned s = 0; s < Total; s++) begin
        if (accept[s]) begin
          round_q[s] <= last[s] ? 0 : round_q[s] + 1;
          if (last[s]) plane_q[s] <= plane_q[s] + 1;
        end
      end
      for (int unsigned r = 0; r < Rows; r++) begin
        for (int unsigned i = 0; i < Cols; i++) total_q[r][i] <= total_q[r][i] + added[r][i];
      end
      if (take && !owed_q) out_q <= out_q + 1;
      owed_q <= (owed_q || (done && flush_q)) && !take;
      if (done) begin
        load_q  <= load_i;
        clear_q <= clear_i || flush_q;  // what has left as words is no sum
        flush_q <= flush_i;
        taken_q <= 1'b0;
        out_q   <= 0;
        round_q <= '0;
        plane_q <= '0;
        if (clear_i || flush_q) total_q <= '0;
      end
    end
  end

  logic wrong_word, wrong_pass, wrong_load, leaves;

  // StallRegistered: a pass ends as its last word goes on, and that may wait for the sink.
  assign wrong_word = c_valid && !owed_q && (!flush_q || !(&closed) || out_q >= Rows || c != word
                                  || c_last != (out_q == Rows - 1));
  assign wrong_pass = (|(accept & closed)) || (done && !(&closed)) || (owed_q && (done || |accept))
                   || (done && flush_q && !(leaves && out_q == Rows - 1));
  assign leaves     = (Stall == tpe_pkg::StallDirect) ? take : c_valid;
  // Groups only once B is there; no bank is loaded while its pass reads it.
  assign wrong_load = (b_beat && owed_q && Overlap == tpe_pkg::OverlapNone)
                   || (|accept && load_q && !taken_q && !next_full_q)
                   || (b_beat && next_full_q)
                   || (b_beat && Overlap == tpe_pkg::OverlapNone && (!load_q || taken_q));

  assign fails_o = begun_q
                 && (wrong_word || wrong_pass || wrong_load
                     || (refused_q && (!c_valid || c != c_q || c_last != last_q)));

endmodule

`default_nettype wire
